//! What the gateway answers itself: one shape, one word, one request id (contract D-4, D-5).

use gate_testkit::{CloseAfterRequest, Echo, Gateway, PATIENCE, Proxy, ResetBeforeHead, Upstream, within};

use crate::setup::{assert_refused, in_front_of, in_front_of_echo};

/// A port on which nobody listens: it was ours and is closed again.
async fn closed_port() -> String {
    Upstream::start(Echo).await.url()
}

#[tokio::test]
async fn r019_us4_ac3_unknown_path_is_404_in_json() {
    let (gateway, _upstream) = in_front_of_echo().await;
    assert_refused(&gateway.get("/-/unknown").await, 404, "not_found");
}

#[tokio::test]
async fn r019_us4_ac1_unreachable_upstream_is_502_in_json() {
    let gateway = Gateway::start([Proxy::new("/-/up", &closed_port().await)]).await;
    let response = gateway.get("/-/up").await;
    assert_refused(&response, 502, "upstream_connect");
    assert_eq!(response.json()["error"], "Upstream Unavailable");
}

#[tokio::test]
async fn r019_fr_008_every_refusal_has_error_and_details() {
    let upstream = Upstream::start(Echo).await;
    let proxies = [
        Proxy::new("/-/nobody", &upstream.url()).access_rule("false"),
        Proxy::new("/-/superusers", &upstream.url()).access_rule(""),
        Proxy::new("/-/inactive", &upstream.url()).active(false),
        Proxy::new("/-/closed", &closed_port().await),
        Proxy::new("/-/unresolved", &upstream.url()).header("X-Key: {env.NO_SUCH_VARIABLE}"),
    ];
    let gateway = Gateway::start(proxies).await;
    for (target, status, reason) in [
        ("/-/nobody", 401, "unauthorized"),
        ("/-/superusers", 401, "unauthorized"),
        ("/-/inactive", 404, "proxy_inactive"),
        ("/-/none", 404, "not_found"),
        ("/-/closed", 502, "upstream_connect"),
        ("/-/unresolved", 500, "template_unresolved"),
        ("/-/inactive/../x", 400, "bad_request"),
    ] {
        assert_refused(&gateway.get(target).await, status, reason);
    }
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn r005_us2_ac1_empty_rule_is_401_for_a_guest() {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url()).access_rule("")]).await;
    let mut client = gateway.connect().await;
    assert_refused(&client.get("/-/up").await, 401, "unauthorized");
    let forged = ["Authorization: Bearer eyJhbGciOiJub25lIn0.eyJpZCI6InIifQ."];
    assert_refused(&client.request("GET", "/-/up", &forged, b"").await, 401, "unauthorized");
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn r005_us2_ac3_r019_us1_ac2_true_is_public() {
    let (gateway, _upstream) = in_front_of_echo().await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
}

#[tokio::test]
async fn r005_us2_ac3_spaces_around_a_rule_change_nothing() {
    let upstream = Upstream::start(Echo).await;
    let public = Proxy::new("/-/public", &upstream.url()).access_rule(" true ");
    let nobody = Proxy::new("/-/nobody", &upstream.url()).access_rule(" false ");
    let gateway = Gateway::start([public, nobody]).await;
    assert_eq!(gateway.get("/-/public").await.status(), 200);
    assert_eq!(gateway.get("/-/nobody").await.status(), 401);
}

#[tokio::test]
async fn a_refused_body_does_not_desynchronise_the_connection() {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url()).access_rule("")]).await;
    let mut client = gateway.connect().await;
    let body = b"GET /-/up HTTP/1.1\r\nHost: a\r\n\r\n";
    let first = client.request("POST", "/-/up", &[], body).await;
    assert_refused(&first, 401, "unauthorized");
    if first.header("connection") == Some("close") {
        client.expect_closed().await;
    } else {
        assert_refused(&client.get("/-/none").await, 404, "not_found");
    }
}

#[tokio::test]
async fn h48_r020_ec3_websocket_upgrade_is_a_friendly_501() {
    let (gateway, upstream) = in_front_of_echo().await;
    for connection in ["Upgrade", "keep-alive, Upgrade", "upgrade"] {
        let connection = format!("Connection: {connection}");
        let lines = [
            connection.as_str(),
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AA==",
        ];
        let response = gateway.connect().await.request("GET", "/-/up", &lines, b"").await;
        assert_refused(&response, 501, "websocket_unsupported");
        assert_eq!(response.json()["error"], "WebSocket Not Supported");
    }
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn a_refusal_and_its_log_line_share_the_request_id() {
    let (gateway, _upstream) = in_front_of(ResetBeforeHead).await;
    let response = gateway.get("/-/up/x?key=canary").await;
    assert_refused(&response, 502, "upstream_reset");
    let id = response.header("x-request-id").unwrap().to_owned();
    let line = gateway.logged(|line| line.field("request_id") == id).await;
    assert_eq!((line.field("reason").as_str(), line.field("status").as_str()), ("upstream_reset", "502"));
    assert!(!gateway.log_text().contains("canary"), "the query may hold a key");
}

#[tokio::test]
async fn request_ids_are_never_given_twice() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(client.get("/-/none").await.header("x-request-id").unwrap().to_owned());
        ids.push(gateway.get("/-/none").await.header("x-request-id").unwrap().to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

#[tokio::test]
async fn an_upstream_that_closes_without_a_word_is_502() {
    let (gateway, upstream) = in_front_of(CloseAfterRequest).await;
    assert_refused(&gateway.get("/-/up").await, 502, "upstream_reset");
    assert_eq!(upstream.ledger.request_count(), 1, "a fresh connection's failure is not retried");
}

#[tokio::test]
async fn a_proxy_that_leads_back_here_is_508() {
    let gateway = Gateway::start([]).await;
    gateway.add(&Proxy::new("/-/loop", &format!("http://{}/-/loop", gateway.address))).await;
    within(PATIENCE, async { while gateway.get("/-/loop").await.status() == 404 {} }).await;
    let response = gateway.get("/-/loop").await;
    assert_eq!((response.status(), response.gateway_reason()), (508, "loop_detected"), "{}", response.text());
}

#[tokio::test]
async fn a_refusal_of_head_has_no_body() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let response = client.request("HEAD", "/-/none", &[], b"").await;
    assert_eq!((response.status(), response.gateway_reason()), (404, "not_found"));
    assert_eq!(client.get("/-/up").await.status(), 200, "the connection is in step");
}
