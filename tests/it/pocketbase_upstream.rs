//! `--pocketbase-upstream URL` stands in front of a PocketBase that runs, as it is.

use gate_testkit::{Echo, Gateway, PocketBase, Proxy, RawClient, Upstream, auth_token};
use serde_json::{Value, json};

use crate::administrator::{Administrator, call};
use crate::identity::{get, proxy};
use crate::setup::assert_refused;

/// A gateway in front of a PocketBase that knows one user and one superuser.
struct InFront {
    gateway: Gateway,
    pocketbase: Upstream,
    user: String,
    superuser: String,
}

async fn in_front(arguments: &[&str]) -> InFront {
    let token = |collection, id| auth_token(collection, id, &"k".repeat(50), &"s".repeat(50));
    let user = token("_pb_users_auth_", "remoteremote001");
    let superuser = token("pbc_3142635823", "remoteremote002");
    let record = |id, collection_id, collection| json!({"id": id, "collectionId": collection_id, "collectionName": collection, "name": "Ada"});
    let pocketbase = PocketBase::default()
        .token(&user, record("remoteremote001", "_pb_users_auth_", "users"))
        .token(&superuser, record("remoteremote002", "pbc_3142635823", "_superusers"));
    let pocketbase = Upstream::start(pocketbase).await;
    let gateway = Gateway::builder()
        .arguments(["--pocketbase-upstream", &pocketbase.url()])
        .arguments(arguments)
        .start()
        .await;
    InFront { gateway, pocketbase, user, superuser }
}

#[tokio::test]
async fn what_is_not_ours_reaches_pocketbase_as_it_is() {
    let InFront { gateway, pocketbase, user, .. } = in_front(&[]).await;
    let lines = [
        &format!("Authorization: {user}"),
        "Cookie: session=1",
        "Accept-Encoding: gzip",
        "Content-Type: application/json",
    ];
    for (method, target) in [
        ("GET", "/api/health"),
        ("GET", "/api/collections/posts/records?filter=(a%3D1)&page=2"),
        ("POST", "/api/collections/users/auth-with-password"),
        ("PATCH", "/api/collections/_superusers/records/x"),
        ("DELETE", "/api/files/posts/abc/a%20b.png"),
        ("POST", "/api/batch"),
        ("GET", "/_/assets/app.js"),
        ("OPTIONS", "/api/settings"),
    ] {
        let response = gateway.connect().await.request(method, target, &lines, b"{\"a\":1}").await;
        let echo = response.json();
        assert_eq!((response.status(), &echo["target"]), (200, &json!(target)), "{method}");
        assert_eq!((&echo["method"], &echo["body_length"]), (&json!(method), &json!(7)), "{target}");
        let headers = pocketbase.ledger.requests().pop().unwrap().head.headers;
        assert_eq!(headers.values("authorization"), [user.as_str()], "{target}");
        assert_eq!(headers.values("cookie"), ["session=1"]);
        assert_eq!(headers.values("accept-encoding"), ["gzip"]);
        assert_eq!(headers.values("host"), [pocketbase.address().to_string()]);
        assert_eq!(headers.values("x-forwarded-for"), ["127.0.0.1"]);
    }
    assert!(gateway.get("/_/").await.text().contains("<title>PocketBase</title>"));
}

#[tokio::test]
async fn a_listener_for_the_api_serves_ours_and_leaves_pocketbases_where_it_is() {
    let InFront { gateway, pocketbase, .. } = in_front(&["--admin-listen", "127.0.0.1:0"]).await;
    let line = gateway.logged(|line| line.text.contains("are served here alone")).await;
    let mut admin = RawClient::connect(line.field("address").parse().unwrap()).await;
    for target in ["/api/gateway/ready", "/_gateway/api/health", "/_gateway/"] {
        assert_refused(&gateway.get(target).await, 404, "not_found");
        assert_eq!(admin.get(target).await.status(), 200, "{target}");
    }
    assert!(pocketbase.ledger.is_untouched());
    for target in ["/api/health", "/_/"] {
        assert_eq!(gateway.get(target).await.status(), 200, "{target}");
        assert_refused(&admin.get(target).await, 404, "not_found");
    }
    assert_eq!(pocketbase.ledger.request_count(), 2);
}

#[tokio::test]
async fn a_preflight_is_pocketbases_to_answer() {
    let InFront { gateway, pocketbase, .. } = in_front(&[]).await;
    let lines = ["Origin: https://app.example", "Access-Control-Request-Method: PATCH"];
    let response = gateway.connect().await.request("OPTIONS", "/api/health", &lines, b"").await;
    assert_eq!(response.json()["method"], "OPTIONS");
    assert_eq!(pocketbase.ledger.request_count(), 1);
}

#[tokio::test]
async fn realtime_frames_arrive_as_pocketbase_sends_them() {
    let InFront { gateway, pocketbase: _pocketbase, .. } = in_front(&[]).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/api/realtime", &[], b"").await.unwrap();
    assert_eq!(client.read_head().await.unwrap().status, 200);
    let connected = client.read_part().await.unwrap().unwrap();
    assert!(connected.starts_with(b"id:client\nevent:PB_CONNECT\n"), "{connected:?}");
    for _ in 0..3 {
        let subscribed = call(&gateway, "POST", "/api/realtime", None, &json!({"clientId": "client"})).await;
        assert_eq!(subscribed.status(), 204);
        let event = client.read_part().await.unwrap().unwrap();
        assert!(event.starts_with(b"id:client\nevent:posts/*\n"), "{event:?}");
    }
}

#[tokio::test]
async fn what_no_pocketbase_has_stays_here() {
    let InFront { gateway, pocketbase, .. } = in_front(&[]).await;
    for (method, target, status) in [
        ("GET", "/api/gateway/ready", 200),
        ("GET", "/api/gateway/status", 401),
        ("GET", "/api/secrets", 401),
        ("GET", "/api/collections/_proxies/records", 403),
        ("GET", "/api/collections/pbc_4281647728/records", 403),
        ("GET", "/_gateway/", 200),
        ("GET", "/_gateway/api/health", 200),
        ("GET", "/_gateway/api/gateway/ready", 200),
        ("GET", "/_gateway/api/none", 404),
        ("GET", "/_gateway", 308),
    ] {
        let response = call(&gateway, method, target, None, &Value::Null).await;
        assert_eq!(response.status(), status, "{target}: {}", response.text());
    }
    assert!(gateway.get("/_gateway/").await.text().contains("<title>pocketgate</title>"));
    assert!(pocketbase.ledger.is_untouched(), "{:#?}", pocketbase.ledger.requests());
}

#[tokio::test]
async fn the_gateway_is_administered_below_its_own_prefix() {
    let InFront { gateway, pocketbase, .. } = in_front(&[]).await;
    let link = gateway.logged(|line| line.field("link").contains("/setup/")).await.field("link");
    assert!(link.contains("/_gateway/#/setup/"), "{link}");
    let administrator = Administrator::of(&gateway).await;
    let record = json!({"path": "/-/x", "upstream": "http://127.0.0.1:9"});
    administrator.must("POST", "/_gateway/api/collections/_proxies/records", &record).await;
    let settings = administrator.must("GET", "/_gateway/api/settings", &Value::Null).await;
    assert!(settings["meta"].is_object(), "{settings}");
    let login = json!({"identity": "root@example.com", "password": crate::administrator::PASSWORD});
    let path = "/_gateway/api/collections/_superusers/auth-with-password";
    assert!(administrator.must("POST", path, &login).await["token"].is_string());
    let question = json!({"path": "/api/collections/posts/records"});
    let explained = administrator.must("POST", "/api/gateway/explain", &question).await;
    assert_eq!(explained["outcome"], "pocketbase", "{explained}");
    assert!(pocketbase.ledger.is_untouched(), "{:#?}", pocketbase.ledger.requests());
}

#[tokio::test]
async fn users_of_pocketbase_are_known_to_rules_and_its_superusers_are_none_here() {
    let InFront { gateway, pocketbase, user, superuser } = in_front(&[]).await;
    let upstream = Upstream::start(Echo).await;
    let administrator = Administrator::of(&gateway).await;
    administrator.proxy(proxy(&upstream, "@request.auth.name = 'Ada'", &json!({}))).await;
    administrator.proxy(proxy(&upstream, "", &json!({"path": "/-/superusers"}))).await;
    assert_refused(&get(&gateway, "/-/up", None, &[]).await, 401, "unauthorized");
    for token in [&user, &superuser] {
        assert_eq!(get(&gateway, "/-/up", Some(token), &[]).await.status(), 200);
        assert_refused(&get(&gateway, "/-/superusers", Some(token), &[]).await, 403, "forbidden");
        let refused = call(&gateway, "GET", "/api/secrets", Some(token), &Value::Null).await;
        assert_eq!(refused.status(), 403, "{}", refused.text());
        assert!(!upstream.ledger.requests().pop().unwrap().head.headers.has("authorization"), "H7");
    }
    let asked = pocketbase.ledger.requests();
    assert!(asked.iter().all(|request| request.head.target.ends_with("/auth-refresh")), "{asked:#?}");
}

#[tokio::test]
async fn its_superusers_are_ours_where_that_was_asked_for() {
    let InFront { gateway, pocketbase: _pocketbase, superuser, .. } =
        in_front(&["--trust-remote-superusers"]).await;
    let records = "/api/collections/_proxies/records";
    let listed = call(&gateway, "GET", records, Some(&superuser), &Value::Null).await;
    assert_eq!(listed.status(), 200, "{}", listed.text());
}

#[tokio::test]
async fn proxies_and_the_rest_are_where_they_were() {
    let upstream = Upstream::start(Echo).await;
    let pocketbase = Upstream::start(PocketBase::default()).await;
    let gateway = Gateway::builder()
        .proxy(Proxy::new("/-/up", &upstream.url()))
        .arguments(["--pocketbase-upstream", &pocketbase.url()])
        .start()
        .await;
    assert_eq!(gateway.get("/-/up/x").await.json()["target"], "/x");
    assert_refused(&gateway.get("/index.html").await, 404, "not_found");
    assert!(pocketbase.ledger.is_untouched());
}

#[tokio::test]
async fn a_pocketbase_that_is_away_is_502_and_the_gateway_goes_on() {
    let gateway = Gateway::builder().arguments(["--pocketbase-upstream", "http://127.0.0.1:9"]).start().await;
    assert_refused(&gateway.get("/api/health").await, 502, "upstream_connect");
    assert_eq!(gateway.get("/_gateway/api/health").await.status(), 200);
}

#[tokio::test]
async fn what_passes_through_is_counted_under_a_name_of_its_own() {
    let InFront { gateway, pocketbase: _pocketbase, .. } = in_front(&[]).await;
    let administrator = Administrator::of(&gateway).await;
    for _ in 0..3 {
        assert_eq!(gateway.get("/api/health").await.status(), 200);
    }
    let metrics = administrator.call("GET", "/api/gateway/metrics", &Value::Null).await.text();
    let counted = "gateway_requests_total{proxy=\"_pocketbase\",status=\"2xx\"} 3";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
}
