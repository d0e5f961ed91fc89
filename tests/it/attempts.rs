//! Further attempts, where they are asked for (`retryConfig`).

use std::time::Duration;

use gate_testkit::{
    Echo, Gateway, H2Behaviour, H2Upstream, Mood, Proxy, Sidecar, TestAuthority, Upstream, sha256_hex,
};

use serde_json::json;

use crate::administrator::Administrator;
use crate::concurrency::in_front_of_sidecar;
use crate::setup::assert_refused;

const THREE: &str = r#"{"attempts":3,"backoff_ms":1,"budget_percent":100}"#;

async fn with_attempts(mood: Mood, retry: &str) -> (Gateway, Sidecar) {
    in_front_of_sidecar(mood, |proxy| proxy.retry_config(retry)).await
}

/// An upstream that recovers while the gateway tries: the first `failures` requests fail.
async fn failing_at_first(failures: usize, mood: Mood, retry: &str) -> (Gateway, Sidecar) {
    let (gateway, sidecar) = with_attempts(mood, retry).await;
    sidecar.becomes_after(failures, Mood::Well);
    (gateway, sidecar)
}

#[tokio::test]
async fn a_request_that_may_be_sent_twice_is_tried_again() {
    for mood in [Mood::Resets, Mood::Fails(502), Mood::Fails(503), Mood::Fails(504), Mood::Fails(429)] {
        let (gateway, sidecar) = failing_at_first(2, mood, THREE).await;
        let response = gateway.get("/-/up").await;
        assert_eq!((response.status(), sidecar.arrived()), (200, 3), "{mood:?}");
    }
}

#[tokio::test]
async fn over_http2_a_body_is_sent_again_as_well() {
    let authority = TestAuthority::new();
    for length in [0, 5, 60_000] {
        let upstream = H2Upstream::start(&authority, H2Behaviour::UnavailableTwice).await;
        let proxy = Proxy::new("/-/up", &upstream.url()).retry_config(THREE);
        let gateway = Gateway::builder().trusting(&authority).proxy(proxy).start().await;
        let body = vec![b'x'; length];
        let response = gateway.connect().await.request("PUT", "/-/up", &[], &body).await;
        assert_eq!(response.status(), 200, "{length} bytes: {}", response.text());
        let requests = upstream.ledger.requests();
        assert_eq!(requests.len(), 3);
        for request in requests {
            assert_eq!(request.body.unwrap().sha256, sha256_hex(&body), "{length} bytes");
        }
    }
}

#[tokio::test]
async fn over_http2_a_body_that_is_too_long_to_keep_is_sent_once() {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::UnavailableTwice).await;
    let proxy = Proxy::new("/-/up", &upstream.url()).retry_config(THREE);
    let gateway = Gateway::builder().trusting(&authority).proxy(proxy).start().await;
    let response = gateway.connect().await.request("PUT", "/-/up", &[], &vec![b'x'; 70_000]).await;
    assert_eq!((response.status(), upstream.ledger.requests().len()), (503, 1));
}

#[tokio::test]
async fn the_last_answer_is_what_the_client_gets() {
    let (gateway, sidecar) = with_attempts(Mood::Fails(503), THREE).await;
    assert_eq!(gateway.get("/-/up").await.status(), 503);
    assert_eq!(sidecar.arrived(), 4);
    let (gateway, sidecar) = with_attempts(Mood::Resets, THREE).await;
    assert_refused(&gateway.get("/-/up").await, 502, "upstream_reset");
    assert_eq!(sidecar.arrived(), 4);
}

#[tokio::test]
async fn nothing_is_tried_again_unless_asked_for() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Fails(503), |proxy| proxy).await;
    assert_eq!(gateway.get("/-/up").await.status(), 503);
    assert_eq!(sidecar.arrived(), 1);
    let (gateway, sidecar) = with_attempts(Mood::Fails(500), THREE).await;
    assert_eq!(gateway.get("/-/up").await.status(), 500, "500 is not in the list");
    assert_eq!(sidecar.arrived(), 1);
    let (gateway, sidecar) = with_attempts(Mood::Fails(503), r#"{"attempts":3,"on":["connect"]}"#).await;
    assert_eq!(gateway.get("/-/up").await.status(), 503);
    assert_eq!(sidecar.arrived(), 1);
}

#[tokio::test]
async fn a_post_is_sent_once_unless_it_says_that_it_may_be_sent_twice() {
    let body = vec![b'x'; 60_000];
    let (gateway, sidecar) = failing_at_first(1, Mood::Fails(503), THREE).await;
    let response = gateway.connect().await.request("POST", "/-/up", &[], &body).await;
    assert_eq!((response.status(), sidecar.arrived()), (503, 1));

    let (gateway, sidecar) = failing_at_first(1, Mood::Fails(503), THREE).await;
    let keyed = gateway.connect().await.request("POST", "/-/up", &["Idempotency-Key: 7"], &body).await;
    assert_eq!((keyed.status(), sidecar.arrived()), (200, 2));
    let bodies: Vec<_> =
        sidecar.upstream.ledger.requests().into_iter().map(|request| request.body.unwrap()).collect();
    assert_eq!(bodies[0].sha256, bodies[1].sha256, "the whole body is sent again");
    assert_eq!(bodies[1].length, 60_000);

    let unsafe_too = r#"{"attempts":1,"backoff_ms":1,"budget_percent":100,"retry_unsafe":true}"#;
    let (gateway, sidecar) = failing_at_first(1, Mood::Fails(503), unsafe_too).await;
    assert_eq!(gateway.connect().await.request("POST", "/-/up", &[], b"x").await.status(), 200);
    assert_eq!(sidecar.arrived(), 2);
}

#[tokio::test]
async fn a_body_too_long_to_keep_is_sent_once() {
    let (gateway, sidecar) = failing_at_first(1, Mood::Fails(503), THREE).await;
    let body = vec![b'x'; 200_000];
    let response = gateway.connect().await.request("PUT", "/-/up", &[], &body).await;
    assert_eq!((response.status(), sidecar.arrived()), (503, 1));
}

#[tokio::test]
async fn an_upstream_that_refuses_connections_is_tried_again_even_with_a_post() {
    let upstream = Upstream::start(Echo).await;
    let address = upstream.address();
    drop(upstream);
    let retry = r#"{"attempts":10,"backoff_ms":400,"budget_percent":100}"#;
    let gateway =
        Gateway::start([Proxy::new("/-/up", &format!("http://{address}")).retry_config(retry)]).await;
    let mut client = gateway.connect().await;
    client.send_request("POST", "/-/up", &[], b"x").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let (mut socket, _) = listener.accept().await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut socket, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(client.read_response().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_dead_upstream_sees_a_fifth_more_than_its_traffic() {
    let (gateway, sidecar) = with_attempts(Mood::Fails(503), r#"{"attempts":3,"backoff_ms":0}"#).await;
    for _ in 0..200 {
        assert_eq!(gateway.get("/-/up").await.status(), 503);
    }
    assert!(sidecar.arrived() <= 240 + 3, "{} for 200 requests", sidecar.arrived());
    assert!(sidecar.arrived() > 210, "{} for 200 requests", sidecar.arrived());
}

#[tokio::test]
async fn every_attempt_counts_for_the_breaker_and_none_passes_it() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Fails(503), |proxy| {
        proxy
            .retry_config(r#"{"attempts":9,"backoff_ms":1,"budget_percent":100}"#)
            .circuit_breaker(r#"{"enabled":true,"failure_threshold":3,"recovery_timeout":60}"#)
    })
    .await;
    assert_eq!(gateway.get("/-/up").await.status(), 503);
    assert_eq!(sidecar.arrived(), 3);
    assert_refused(&gateway.get("/-/up").await, 503, "breaker_open");
}

#[tokio::test]
async fn an_upstream_that_is_busy_is_not_broken_however_often_it_is_asked() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Fails(429), |proxy| {
        proxy
            .retry_config(THREE)
            .circuit_breaker(r#"{"enabled":true,"failure_threshold":2,"recovery_timeout":60}"#)
    })
    .await;
    assert_eq!(gateway.get("/-/up").await.status(), 429);
    assert_eq!(sidecar.arrived(), 4);
    sidecar.becomes(Mood::Well);
    assert_eq!(gateway.get("/-/up").await.status(), 200, "429 is no failure");
}

#[tokio::test]
async fn an_answer_after_which_the_breaker_opens_is_still_the_upstreams() {
    let (gateway, _sidecar) = in_front_of_sidecar(Mood::Fails(503), |proxy| {
        let breaker = r#"{"enabled":true,"failure_threshold":1,"recovery_timeout":60}"#;
        proxy.retry_config(THREE).circuit_breaker(breaker)
    })
    .await;
    assert_eq!(gateway.get("/-/up").await.status(), 503);
    let line = gateway.logged(|line| line.field("status") == "503").await;
    assert_eq!(line.field("attempts"), "1", "{}", line.text);
    assert!(!matches!(line.field("upstream_latency_ms").as_str(), "" | "null"), "{}", line.text);
}

#[tokio::test]
async fn what_the_breaker_lets_not_follow_costs_nothing_of_the_budget() {
    let sidecar = Sidecar::start(Mood::Fails(503)).await;
    let gateway = Gateway::start([]).await;
    let administrator = Administrator::of(&gateway).await;
    let proxy = administrator
        .proxy(json!({
            "path": "/-/up", "upstream": sidecar.url(), "accessRule": "true",
            "circuitBreaker": {"enabled": true, "failure_threshold": 1, "recovery_timeout": 60},
            "retryConfig": {"attempts": 1, "backoff_ms": 0, "budget_percent": 1},
        }))
        .await;
    let id = proxy["id"].as_str().unwrap();
    // As many as the budget has within ten seconds for a proxy with few requests.
    for _ in 0..3 {
        assert_eq!(gateway.get("/-/up").await.status(), 503);
        let breaker = format!("/api/gateway/proxies/{id}/breaker");
        administrator.must("POST", &breaker, &json!({"action": "reset"})).await;
    }
    assert_eq!(sidecar.arrived(), 3, "the breaker opened each time, and let no further attempt follow");
    let record = format!("/api/collections/_proxies/records/{id}");
    administrator.must("PATCH", &record, &json!({"circuitBreaker": null})).await;
    assert_eq!(gateway.get("/-/up").await.status(), 503);
    assert_eq!(sidecar.arrived(), 5, "nothing of the budget was spent");
}
