//! A failing upstream is left alone until it recovers (020-US4, 020-FR-012 to 015, 020-SC-004).

use std::time::{Duration, Instant};

use gate_testkit::{
    Answer, BodyEnd, Gateway, H2Behaviour, H2Upstream, Mood, PATIENCE, Proxy, Sidecar, TestAuthority,
    Upstream, eventually, within,
};
use tokio::task::JoinSet;

use crate::concurrency::{asking, in_front_of_sidecar};
use crate::reload::execute;
use crate::setup::assert_refused;

const QUICK: &str = r#"{"enabled":true,"failure_threshold":5,"recovery_timeout":1}"#;

async fn behind_breaker(mood: Mood, breaker: &str) -> (Gateway, Sidecar) {
    in_front_of_sidecar(mood, |proxy| proxy.circuit_breaker(breaker)).await
}

/// Fails until the breaker is open.
async fn tripped(gateway: &Gateway) {
    let started = Instant::now();
    while gateway.get("/-/up").await.gateway_reason() != "breaker_open" {
        assert!(started.elapsed() < PATIENCE, "the breaker never opened");
    }
}

/// Asks until something else than the breaker answers.
async fn until_let_through(gateway: &Gateway) -> u16 {
    let started = Instant::now();
    loop {
        let response = gateway.get("/-/up").await;
        if response.gateway_reason() != "breaker_open" {
            return response.status();
        }
        assert!(started.elapsed() < PATIENCE, "the breaker never let anybody through");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn r020_us4_ac1_r020_us4_ac4_r020_fr_015_after_five_failures_the_sixth_is_refused_and_the_upstream_left_alone()
 {
    let (gateway, sidecar) =
        behind_breaker(Mood::Fails(500), r#"{"enabled":true,"failure_threshold":5,"recovery_timeout":30}"#)
            .await;
    for _ in 0..5 {
        assert_eq!(gateway.get("/-/up").await.status(), 500, "the upstream's own answer passes");
    }
    let refused = gateway.get("/-/up").await;
    assert_refused(&refused, 503, "breaker_open");
    assert_eq!(refused.header("x-circuit-breaker"), Some("open"));
    let retry_after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((25..=33).contains(&retry_after), "{retry_after}");
    assert_eq!(sidecar.arrived(), 5);
}

#[tokio::test]
async fn r020_us4_ac3_r020_sc_004_a_probe_that_succeeds_closes_it() {
    let (gateway, sidecar) = behind_breaker(Mood::Fails(502), QUICK).await;
    tripped(&gateway).await;
    sidecar.becomes(Mood::Well);
    assert_eq!(until_let_through(&gateway).await, 200);
    for _ in 0..20 {
        assert_eq!(gateway.get("/-/up").await.status(), 200);
    }
}

#[tokio::test]
async fn a_probe_that_fails_opens_it_again_for_twice_as_long() {
    let (gateway, sidecar) = behind_breaker(Mood::Fails(500), QUICK).await;
    tripped(&gateway).await;
    assert_eq!(until_let_through(&gateway).await, 500);
    let refused = gateway.get("/-/up").await;
    assert_refused(&refused, 503, "breaker_open");
    // 2 s, and a tenth more or less.
    assert!((2..=3).contains(&refused.header("retry-after").unwrap().parse::<u64>().unwrap()), "{refused:?}");
    assert_eq!(sidecar.arrived(), 6);
    let started = Instant::now();
    assert_eq!(until_let_through(&gateway).await, 500);
    assert!(started.elapsed() >= Duration::from_millis(1500), "{:?}", started.elapsed());
}

/// The probe of a gateway in front of event streams that never begin fails.
async fn assert_silence_fails_probe(gateway: &Gateway) {
    assert_refused(&gateway.get("/-/up").await, 504, "timeout_first_event");
    assert_eq!(until_let_through(gateway).await, 504);
    assert_refused(&gateway.get("/-/up").await, 503, "breaker_open");
}

#[tokio::test]
async fn a_probe_whose_first_event_does_not_come_fails() {
    let proxy = |url: &str| {
        Proxy::new("/-/up", url)
            .timeout_config(r#"{"first_event":1}"#)
            .circuit_breaker(r#"{"enabled":true,"failure_threshold":1,"recovery_timeout":1}"#)
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let upstream = Upstream::start(Answer::then_keep_open(head)).await;
    assert_silence_fails_probe(&Gateway::start([proxy(&upstream.url())]).await).await;
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::SilentEvents).await;
    let gateway = Gateway::builder().trusting(&authority).proxy(proxy(&upstream.url())).start().await;
    assert_silence_fails_probe(&gateway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h52_r020_us4_ac2_r020_fr_015_half_open_lets_one_through_of_fifty() {
    let (gateway, sidecar) = behind_breaker(Mood::Fails(500), QUICK).await;
    tripped(&gateway).await;
    let before = sidecar.arrived();
    sidecar.becomes(Mood::Held);
    tokio::time::sleep(Duration::from_millis(1300)).await;
    let mut clients = JoinSet::new();
    for _ in 0..50 {
        let mut client = asking(&gateway).await;
        clients.spawn(async move { client.read_response().await.unwrap() });
    }
    let mut refused = 0;
    while refused < 49 {
        let response = within(PATIENCE, clients.join_next()).await.unwrap().unwrap();
        assert_refused(&response, 503, "breaker_open");
        assert_eq!(response.header("x-circuit-breaker"), Some("half-open"));
        refused += 1;
    }
    assert_eq!(sidecar.arrived(), before + 1);
    sidecar.release(1);
    assert_eq!(clients.join_next().await.unwrap().unwrap().status(), 200, "the probe");
    sidecar.becomes(Mood::Well);
    assert_eq!(gateway.get("/-/up").await.status(), 200);
}

#[tokio::test]
async fn h19_h54_what_says_nothing_about_the_upstream_does_not_count() {
    let (gateway, sidecar) = behind_breaker(Mood::Fails(404), QUICK).await;
    for mood in [Mood::Fails(404), Mood::Fails(429), Mood::Asks(429, 5)] {
        sidecar.becomes(mood);
        for _ in 0..6 {
            assert_ne!(gateway.get("/-/up").await.gateway_reason(), "breaker_open", "{mood:?}");
        }
    }
    sidecar.becomes(Mood::Held);
    for _ in 0..8 {
        let client = asking(&gateway).await;
        eventually(PATIENCE, || sidecar.running() == 1).await;
        drop(client);
        eventually(PATIENCE, || sidecar.running() == 0).await;
    }
    sidecar.becomes(Mood::Well);
    assert_eq!(gateway.get("/-/up").await.status(), 200, "clients that left are no failures (H19)");
}

#[tokio::test]
async fn h49_every_way_an_upstream_fails_counts() {
    for mood in [Mood::Resets, Mood::ResetsInBody, Mood::Fails(503), Mood::Slow(Duration::from_secs(10))] {
        let sidecar = Sidecar::start(mood).await;
        let proxy = Proxy::new("/-/up", &sidecar.url())
            .timeout_config(r#"{"response_header":1}"#)
            .circuit_breaker(r#"{"enabled":true,"failure_threshold":2}"#);
        let gateway = Gateway::start([proxy]).await;
        for _ in 0..2 {
            let response = gateway.get("/-/up").await;
            assert!(response.status() >= 500 || response.end == BodyEnd::Truncated, "{mood:?}: {response:?}");
        }
        assert_refused(&gateway.get("/-/up").await, 503, "breaker_open");
    }
    let gateway = Gateway::start([Proxy::new("/-/up", "http://127.0.0.1:1")
        .circuit_breaker(r#"{"enabled":true,"failure_threshold":2}"#)])
    .await;
    for _ in 0..2 {
        assert_refused(&gateway.get("/-/up").await, 502, "upstream_connect");
    }
    assert_refused(&gateway.get("/-/up").await, 503, "breaker_open");
}

#[tokio::test]
async fn r020_fr_014_the_share_of_failures_trips_it() {
    let rate = r#"{"enabled":true,"failure_threshold":100,"failure_rate":0.5,"window":60,"min_requests":10}"#;
    let (gateway, sidecar) = behind_breaker(Mood::Well, rate).await;
    for round in 0..5 {
        sidecar.becomes(Mood::Well);
        assert_eq!(gateway.get("/-/up").await.status(), 200, "round {round}");
        sidecar.becomes(Mood::Fails(500));
        assert_eq!(gateway.get("/-/up").await.status(), 500, "round {round}");
    }
    assert_refused(&gateway.get("/-/up").await, 503, "breaker_open");
    assert_eq!(sidecar.arrived(), 10);
}

#[tokio::test]
async fn an_upstream_that_asks_for_rest_gets_it() {
    let (gateway, sidecar) = behind_breaker(Mood::Asks(503, 20), QUICK).await;
    tripped(&gateway).await;
    let refused = gateway.get("/-/up").await;
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 15, "{refused:?}");
    assert_eq!(sidecar.arrived(), 5);
}

#[tokio::test]
async fn d12_h34_an_edit_leaves_an_open_breaker_open() {
    let (gateway, sidecar) =
        behind_breaker(Mood::Fails(500), r#"{"enabled":true,"failure_threshold":3,"recovery_timeout":60}"#)
            .await;
    tripped(&gateway).await;
    sidecar.becomes(Mood::Well);
    execute(gateway.directory(), "UPDATE _proxies SET timeout = 77, description = 'edited'").await;
    for _ in 0..50 {
        assert_refused(&gateway.get("/-/up").await, 503, "breaker_open");
    }
    assert_eq!(sidecar.arrived(), 3);
}

#[tokio::test]
async fn h53_an_answer_from_before_the_trip_does_not_close_it() {
    let (gateway, sidecar) =
        behind_breaker(Mood::Held, r#"{"enabled":true,"failure_threshold":3,"recovery_timeout":60}"#).await;
    let mut early = asking(&gateway).await;
    eventually(PATIENCE, || sidecar.running() == 1).await;
    sidecar.becomes(Mood::Fails(500));
    tripped(&gateway).await;
    sidecar.release(1);
    assert_eq!(early.read_response().await.unwrap().status(), 200);
    assert_refused(&gateway.get("/-/up").await, 503, "breaker_open");
}
