//! Whom realtime streams tell of what others write: the command line, and other gateways.

use std::time::{Duration, Instant};

use gate_testkit::{Gateway, RawClient};
use serde_json::{Value, json};

use crate::administrator::{Administrator, PASSWORD, call};

/// What a person who watches is granted, from the commit to the event.
const TOLD_MAX: Duration = Duration::from_secs(2);

/// A stream of a superuser that hears of every proxy.
async fn subscribed(gateway: &Gateway, token: &str) -> RawClient {
    let mut stream = gateway.connect().await;
    stream.send_request("GET", "/api/realtime", &[], b"").await.unwrap();
    assert_eq!(stream.read_head().await.unwrap().status, 200);
    let (event, client) = next_event(&mut stream).await;
    assert_eq!(event, "PB_CONNECT");
    let topics = json!({"clientId": client["clientId"], "subscriptions": ["_proxies/*"]});
    let subscribed = call(gateway, "POST", "/api/realtime", Some(token), &topics).await;
    assert_eq!(subscribed.status(), 204, "{}", subscribed.text());
    stream
}

/// The next event that is none of the comments that keep the connection alive.
async fn next_event(stream: &mut RawClient) -> (String, Value) {
    loop {
        let frame = stream.read_part().await.unwrap().expect("the stream goes on");
        let frame = String::from_utf8(frame).unwrap();
        let line = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        if let (Some(event), Some(data)) = (line("event:"), line("data:")) {
            return (event, serde_json::from_str(&data).unwrap());
        }
    }
}

/// The stream tells of a write of a proxy with this path.
async fn assert_told(stream: &mut RawClient, action: &str, path: &str) {
    let written = Instant::now();
    loop {
        let (_, data) = next_event(stream).await;
        // The first proxy may have been added before anybody looked.
        if data["action"] == action && data["record"]["path"] == path {
            break;
        }
    }
    assert!(written.elapsed() < TOLD_MAX, "{:?}", written.elapsed());
}

#[tokio::test]
async fn what_the_command_line_writes_is_told() {
    let gateway = Gateway::start([]).await;
    let administrator = Administrator::of(&gateway).await;
    let mut stream = subscribed(&gateway, &administrator.token).await;
    // One of our own first: when it is told, what others write is told as well.
    administrator.proxy(json!({"path": "/-/own", "upstream": "http://127.0.0.1:9"})).await;
    assert_told(&mut stream, "create", "/-/own").await;
    gateway.proxies(["add", "--path", "/-/x", "--upstream", "http://127.0.0.1:9"]).await.succeeded();
    assert_told(&mut stream, "create", "/-/x").await;
    gateway.proxies(["remove", "/-/x"]).await.succeeded();
    assert_told(&mut stream, "delete", "/-/x").await;
}

#[cfg(unix)]
#[tokio::test]
async fn what_another_gateway_on_the_same_database_writes_is_told() {
    let url = gate_testkit::PostgreSql::shared().database();
    let start = || crate::postgresql::with_shared_key(Gateway::builder(), &url).start();
    let one = start().await;
    let administrator = Administrator::of(&one).await;
    let other = start().await;
    let mut stream = subscribed(&other, &administrator.token).await;
    let own = json!({"path": "/-/own", "upstream": "http://127.0.0.1:9"});
    let made =
        call(&other, "POST", "/api/collections/_proxies/records", Some(&administrator.token), &own).await;
    assert_eq!(made.status(), 200, "{}", made.text());
    assert_told(&mut stream, "create", "/-/own").await;
    let record = administrator.proxy(json!({"path": "/-/x", "upstream": "http://127.0.0.1:9"})).await;
    assert_told(&mut stream, "create", "/-/x").await;
    let path = format!("/api/collections/_proxies/records/{}", record["id"].as_str().unwrap());
    administrator.must("PATCH", &path, &json!({"timeout": 5})).await;
    assert_told(&mut stream, "update", "/-/x").await;
    administrator.must("DELETE", &path, &Value::Null).await;
    assert_told(&mut stream, "delete", "/-/x").await;
}

/// A password that is changed elsewhere makes a guest of whoever listens with the old one (contract §1.9).
#[tokio::test]
async fn a_superuser_whose_password_the_command_line_changes_hears_no_more() {
    let gateway = Gateway::start([]).await;
    let administrator = Administrator::of(&gateway).await;
    let mut stream = subscribed(&gateway, &administrator.token).await;
    administrator.proxy(json!({"path": "/-/own", "upstream": "http://127.0.0.1:9"})).await;
    assert_told(&mut stream, "create", "/-/own").await;
    let directory = gateway.directory().to_str().unwrap();
    let update = ["superuser", "update", "root@example.com", "another password", "--dir", directory];
    gate_testkit::Pocketgate::run(update).await.succeeded();
    let login = json!({"identity": "root@example.com", "password": "another password"});
    assert_ne!(PASSWORD, "another password");
    let path = "/api/collections/_superusers/auth-with-password";
    let token = call(&gateway, "POST", path, None, &login).await.json()["token"].as_str().unwrap().to_owned();
    let mut witness = subscribed(&gateway, &token).await;
    gateway.proxies(["add", "--path", "/-/x", "--upstream", "http://127.0.0.1:9"]).await.succeeded();
    assert_told(&mut witness, "create", "/-/x").await;
    let heard = tokio::time::timeout(Duration::from_millis(200), next_event(&mut stream)).await;
    assert!(heard.is_err(), "{heard:?}");
}

#[tokio::test]
async fn a_client_that_leaves_makes_room_at_once() {
    let gateway = Gateway::start([]).await;
    let administrator = Administrator::of(&gateway).await;
    let mut stream = gateway.connect().await;
    stream.send_request("GET", "/api/realtime", &[], b"").await.unwrap();
    stream.read_head().await.unwrap();
    let (_, client) = next_event(&mut stream).await;
    let topics = json!({"clientId": client["clientId"], "subscriptions": []});
    drop(stream);
    let left = Instant::now();
    // Long before the next comment, which is written after 30 seconds.
    while call(&gateway, "POST", "/api/realtime", Some(&administrator.token), &topics).await.status() != 404 {
        assert!(left.elapsed() < Duration::from_secs(5));
    }
}
