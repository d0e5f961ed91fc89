//! What runs, and an end to it by hand: `/api/gateway/requests` (020-US6).

use std::io;

use gate_testkit::{
    Behaviour, BodyEnd, ByHand, Gateway, PATIENCE, Peer, Proxy, StallAfterHead, Upstream, eventually, within,
};
use serde_json::{Value, json};

use crate::administrator::Administrator;
use crate::setup::{assert_refused, in_front_of};

/// Sends events as fast as they are taken, for ever.
struct Endless;

impl Behaviour for Endless {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        peer.read_request().await?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await?;
        loop {
            peer.send_chunk([b'x'; 4096]).await?;
        }
    }
}

/// The requests below `/-/` that run.
async fn running(administrator: &Administrator<'_>) -> Vec<Value> {
    let answer = administrator.must("GET", "/api/gateway/requests", &Value::Null).await;
    let requests = answer["requests"].as_array().unwrap().clone();
    requests.into_iter().filter(|request| request["path"].as_str().unwrap().starts_with("/-/")).collect()
}

/// The one request in that phase, once there is one.
async fn in_phase(administrator: &Administrator<'_>, phase: &str) -> Value {
    within(PATIENCE, async {
        loop {
            let found = running(administrator).await.into_iter().find(|request| request["phase"] == phase);
            if let Some(found) = found {
                return found;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// Ends a request and says with which status that was answered.
async fn end(administrator: &Administrator<'_>, request: &Value) -> u16 {
    let path = format!("/api/gateway/requests/{}", request["id"].as_str().unwrap());
    administrator.call("DELETE", &path, &Value::Null).await.status()
}

#[tokio::test]
async fn what_runs_is_shown() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url()).name("Up")]).await;
    let administrator = Administrator::of(&gateway).await;
    assert_eq!(running(&administrator).await, [Value::Null; 0]);
    let mut client = gateway.connect().await;
    client.send_request("POST", "/-/up/x?key=canary", &[], b"hello").await.unwrap();
    let mut peer = upstream.accept_request().await;
    let request = in_phase(&administrator, "waiting").await;
    for (member, value) in [
        ("proxy", json!("Up")),
        ("method", json!("POST")),
        ("path", json!("/-/up/x")),
        ("client_ip", json!("127.0.0.1")),
        ("upstream", json!(upstream.upstream.address().to_string())),
        ("identity", Value::Null),
        ("attempts", json!(1)),
        ("bytes_sent", json!(0)),
    ] {
        assert_eq!(request[member], value, "{member} of {request}");
    }
    assert!(request["bytes_received"].as_u64() > Some(5), "{request}");
    assert!(request["age"].as_f64() >= Some(0.0), "{request}");
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel").await.unwrap();
    let id = client.read_head().await.unwrap().headers.value("x-request-id").map(str::to_owned);
    let request = in_phase(&administrator, "relaying").await;
    assert_eq!(request["id"], json!(id));
    peer.send("lo").await.unwrap();
    client.read_body().await.unwrap();
    assert_eq!(running(&administrator).await, [Value::Null; 0]);
}

#[tokio::test]
async fn one_that_waits_for_its_answer_is_refused_and_its_upstream_left() {
    let mut upstream = ByHand::start().await;
    let proxy = Proxy::new("/-/up", &upstream.url())
        .circuit_breaker(r#"{"enabled":true,"failure_threshold":1}"#)
        .retry_config(r#"{"attempts":2}"#);
    let gateway = Gateway::start([proxy]).await;
    let administrator = Administrator::of(&gateway).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    let request = in_phase(&administrator, "waiting").await;
    assert_eq!(end(&administrator, &request).await, 204);
    let response = client.read_response().await.unwrap();
    assert_refused(&response, 503, "ended_by_operator");
    assert_eq!(response.header("x-request-id"), request["id"].as_str());
    within(PATIENCE, peer.until_closed()).await.ok();
    assert_eq!(upstream.upstream.ledger.request_count(), 1, "nobody wants it again");
    gateway.logged(|line| line.field("reason") == "ended_by_operator").await;
    // The connection and the breaker are as they were.
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    assert_eq!(client.read_response().await.unwrap().status(), 200);
    assert_eq!(end(&administrator, &request).await, 404);
}

#[tokio::test]
async fn one_that_is_answered_is_cut_so_that_its_client_can_tell() {
    let (gateway, upstream) = in_front_of(StallAfterHead).await;
    let administrator = Administrator::of(&gateway).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    client.read_head().await.unwrap();
    let request = in_phase(&administrator, "relaying").await;
    assert_eq!(end(&administrator, &request).await, 204);
    assert_eq!(client.read_body().await.unwrap().1, BodyEnd::Truncated);
    eventually(PATIENCE, || upstream.ledger.open() == 0).await;
    gateway.logged(|line| line.field("reason") == "ended_by_operator").await;
}

#[tokio::test]
async fn one_whose_bytes_never_stop_ends_as_well() {
    let (gateway, upstream) = in_front_of(Endless).await;
    let administrator = Administrator::of(&gateway).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    client.read_head().await.unwrap();
    let reading =
        tokio::spawn(async move { while client.read_part().await.is_ok_and(|part| part.is_some()) {} });
    let request = in_phase(&administrator, "relaying").await;
    assert_eq!(end(&administrator, &request).await, 204);
    within(PATIENCE, reading).await.unwrap();
    eventually(PATIENCE, || upstream.ledger.open() == 0).await;
    gateway.logged(|line| line.field("reason") == "ended_by_operator").await;
}

#[tokio::test]
async fn one_that_waits_for_a_place_leaves_the_queue() {
    let upstream = Upstream::start(StallAfterHead).await;
    let proxy = Proxy::new("/-/up", &upstream.url()).max_concurrent(1);
    let gateway = Gateway::start([proxy.queue_config(r#"{"max_waiting":1,"timeout":30}"#)]).await;
    let administrator = Administrator::of(&gateway).await;
    let mut first = gateway.connect().await;
    first.send_request("GET", "/-/up", &[], b"").await.unwrap();
    first.read_head().await.unwrap();
    let mut second = gateway.connect().await;
    second.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let request = in_phase(&administrator, "queued").await;
    assert_eq!(end(&administrator, &request).await, 204);
    assert_refused(&second.read_response().await.unwrap(), 503, "ended_by_operator");
    assert_eq!(upstream.ledger.request_count(), 1);
    assert_eq!(running(&administrator).await.len(), 1);
}

#[tokio::test]
async fn what_does_not_run_is_404() {
    let (gateway, _upstream) = in_front_of(StallAfterHead).await;
    let administrator = Administrator::of(&gateway).await;
    for id in ["0123456789abcdef", "a%20b", &"x".repeat(73)] {
        assert_eq!(end(&administrator, &json!({ "id": id })).await, 404, "{id}");
    }
}
