//! What the gateway counts, as Prometheus reads it (020-US6, 020-FR-018 to 020, H55 to H62). That every request is counted
//! once is shown by `accounting`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use gate_testkit::{
    Echo, Gateway, Mood, PATIENCE, Proxy, RawClient, Response, Sidecar, SseUpstream, Upstream,
};

const METRICS: &str = "/api/gateway/metrics";
const PUBLIC: [&str; 1] = ["--metrics-public"];

async fn open_to_all(proxy: Proxy) -> Gateway {
    Gateway::builder().proxy(proxy).arguments(PUBLIC).start().await
}

/// The metrics as they are now.
async fn metrics(gateway: &Gateway) -> String {
    let response = gateway.get(METRICS).await;
    assert_eq!(response.status(), 200, "{}", response.text());
    response.text()
}

/// The value of a sample; `None` = there is none.
fn value(metrics: &str, sample: &str) -> Option<f64> {
    let value = metrics.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    value.map(|value| value.parse().unwrap())
}

/// Waits until a sample has a value: a request is counted when it has ended, which its client knows a moment earlier.
pub(crate) async fn until(gateway: &Gateway, sample: &str, expected: Option<f64>) {
    let started = Instant::now();
    loop {
        let found = value(&metrics(gateway).await, sample);
        if found == expected {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{sample} is {found:?} instead of {expected:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn with_token(address: SocketAddr, target: &str, token: &str) -> Response {
    let authorization = format!("Authorization: Bearer {token}");
    RawClient::connect(address).await.request("GET", target, &[&authorization], b"").await
}

#[tokio::test]
async fn r020_us6_ac2_h50_ten_requests_are_ten_and_refusals_are_counted_as_well() {
    let upstream = Upstream::start(Echo).await;
    let limit = r#"{"requests":10,"window":600,"by":"ip"}"#;
    let gateway = open_to_all(Proxy::new("/-/up", &upstream.url()).name("up").rate_limit(limit)).await;
    for _ in 0..12 {
        gateway.get("/-/up").await;
    }
    until(&gateway, r#"gateway_requests_total{proxy="up",status="4xx"}"#, Some(2.0)).await;
    let metrics = metrics(&gateway).await;
    for (sample, expected) in [
        (r#"gateway_requests_total{proxy="up",status="2xx"}"#, 10.0),
        (r#"gateway_requests_total{proxy="up",status="5xx"}"#, 0.0),
        (r#"gateway_errors_total{proxy="up",type="4xx"}"#, 2.0),
        (r#"gateway_errors_total{proxy="up",type="rate_limited"}"#, 2.0),
        (r#"gateway_rate_limit_refusals_total{proxy="up"}"#, 2.0),
        (r#"gateway_upstream_latency_seconds_count{proxy="up"}"#, 10.0),
        (r#"gateway_upstream_latency_seconds_bucket{proxy="up",le="+Inf"}"#, 10.0),
        (r#"gateway_request_duration_seconds_count{proxy="up"}"#, 12.0),
    ] {
        assert_eq!(value(&metrics, sample), Some(expected), "{sample}");
    }
    let exchanges = |kind| {
        value(&metrics, &format!(r#"gateway_upstream_connections_total{{proxy="up",kind="{kind}"}}"#))
            .unwrap()
    };
    assert_eq!((exchanges("new") + exchanges("reused"), exchanges("new") >= 1.0), (10.0, true));
    assert!(value(&metrics, r#"gateway_received_bytes_total{proxy="up"}"#) > Some(12.0 * 20.0));
}

#[tokio::test]
async fn r020_us6_ac3_r020_fr_021_half_a_second_of_the_upstream_is_its_own_and_not_ours() {
    let sidecar = Sidecar::start(Mood::Slow(Duration::from_millis(500))).await;
    let gateway = open_to_all(Proxy::new("/-/up", &sidecar.url()).name("up")).await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    until(&gateway, r#"gateway_upstream_latency_seconds_count{proxy="up"}"#, Some(1.0)).await;
    let metrics = metrics(&gateway).await;
    let within = |family: &str, bound: &str| {
        value(&metrics, &format!(r#"{family}_bucket{{proxy="up",le="{bound}"}}"#))
    };
    assert_eq!(within("gateway_upstream_latency_seconds", "0.25"), Some(0.0));
    assert_eq!(within("gateway_upstream_latency_seconds", "2.5"), Some(1.0));
    assert_eq!(within("gateway_upstream_latency_seconds", "+Inf"), Some(1.0));
    assert_eq!(within("gateway_overhead_seconds", "0.25"), Some(1.0), "the gateway's own time");
}

#[tokio::test]
async fn r020_fr_020_a_stream_counts_while_it_runs_and_so_do_its_events() {
    let mut upstream = SseUpstream::start().await;
    let gateway = open_to_all(Proxy::new("/-/up", &upstream.url()).name("up")).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut stream = upstream.open_stream().await;
    client.read_head().await.unwrap();
    for _ in 0..3 {
        stream.send_event("hello").await.unwrap();
    }
    until(&gateway, r#"gateway_active_connections{proxy="up"}"#, Some(1.0)).await;
    until(&gateway, r#"gateway_event_streams{proxy="up"}"#, Some(1.0)).await;
    until(&gateway, r#"gateway_limiter_in_flight{proxy="up"}"#, Some(1.0)).await;
    stream.end().await.unwrap();
    client.read_body().await.unwrap();
    until(&gateway, r#"gateway_active_connections{proxy="up"}"#, Some(0.0)).await;
    until(&gateway, r#"gateway_event_streams{proxy="up"}"#, Some(0.0)).await;
    until(&gateway, r#"gateway_events_total{proxy="up"}"#, Some(3.0)).await;
    until(&gateway, r#"gateway_first_event_seconds_count{proxy="up"}"#, Some(1.0)).await;
}

#[tokio::test]
async fn h55_r020_fr_020_an_open_breaker_shows_and_becomes_half_open_without_a_request() {
    let sidecar = Sidecar::start(Mood::Fails(500)).await;
    let breaker = r#"{"enabled":true,"failure_threshold":3,"recovery_timeout":1}"#;
    let gateway = open_to_all(Proxy::new("/-/up", &sidecar.url()).name("up").circuit_breaker(breaker)).await;
    for _ in 0..3 {
        gateway.get("/-/up").await;
    }
    let opened = r#"gateway_circuit_breaker_transitions_total{proxy="up",to="open"}"#;
    until(&gateway, opened, Some(1.0)).await;
    until(&gateway, r#"gateway_circuit_breaker_state{proxy="up"}"#, Some(2.0)).await;
    assert_eq!(sidecar.arrived(), 3, "nobody asked");
    sidecar.becomes(Mood::Well);
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    until(&gateway, r#"gateway_circuit_breaker_state{proxy="up"}"#, Some(0.0)).await;
}

#[tokio::test]
async fn h60_what_was_counted_outlives_an_edit_and_ends_with_its_proxy() {
    let upstream = Upstream::start(Echo).await;
    let gateway = open_to_all(Proxy::new("/-/up", &upstream.url())).await;
    gateway.get("/-/up").await;
    let sample = r#"gateway_requests_total{proxy="/-/up",status="2xx"}"#;
    until(&gateway, sample, Some(1.0)).await;
    gateway.add(&Proxy::new("/-/other", &upstream.url())).await;
    until(&gateway, r#"gateway_requests_total{proxy="/-/other",status="2xx"}"#, Some(0.0)).await;
    assert_eq!(value(&metrics(&gateway).await, sample), Some(1.0));
    gateway.proxies(["remove", "/-/up"]).await.succeeded();
    until(&gateway, sample, None).await;
    let left = metrics(&gateway).await;
    assert!(!left.contains(r#"proxy="/-/up""#), "{left}");
}

#[tokio::test]
async fn h61_h62_metrics_are_on_and_a_token_of_their_own_reads_them() {
    let token = "scrape-me-7b1f";
    let gateway = Gateway::builder().environment("POCKETGATE_METRICS_TOKEN", token).start().await;
    let response = with_token(gateway.address, METRICS, token).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(response.text().contains("\ngateway_build_info{version="));
    assert!(!response.text().contains(token));
    for refused in [with_token(gateway.address, METRICS, "another").await, gateway.get(METRICS).await] {
        assert_eq!(refused.status(), 401);
    }
    let elsewhere = with_token(gateway.address, "/api/settings", token).await;
    assert_eq!(elsewhere.status(), 401, "it opens nothing else");
    assert!(!gateway.log_text().contains(token));
}

#[tokio::test]
async fn h62_a_listener_of_their_own_answers_without_a_token_and_knows_nothing_else() {
    let arguments = ["--metrics-listen", "127.0.0.1:0"];
    let gateway = Gateway::builder().arguments(arguments).start().await;
    let line = gateway.logged(|line| line.text.contains("metrics are at /metrics")).await;
    let address: SocketAddr = line.field("address").parse().unwrap();
    for (target, expected) in
        [("/metrics", 200), (METRICS, 200), ("/api/health", 404), ("/_/", 404), ("/", 404)]
    {
        let response = RawClient::connect(address).await.get(target).await;
        assert_eq!(response.status(), expected, "{target}");
    }
    assert_eq!(gateway.get("/metrics").await.status(), 404, "not on the other one");
}

#[tokio::test]
async fn connections_that_say_nothing_do_not_keep_a_collector_waiting() {
    let arguments = ["--metrics-listen", "127.0.0.1:0"];
    let gateway = Gateway::builder().arguments(arguments).start().await;
    let line = gateway.logged(|line| line.text.contains("metrics are at /metrics")).await;
    let address: SocketAddr = line.field("address").parse().unwrap();
    let mut idle = Vec::new();
    for _ in 0..8 {
        idle.push(RawClient::connect(address).await);
    }
    let started = Instant::now();
    assert_eq!(RawClient::connect(address).await.get("/metrics").await.status(), 200);
    assert!(started.elapsed() < COLLECTOR_PATIENCE, "{:?}", started.elapsed());
}

/// How long Prometheus waits for an answer unless told otherwise.
const COLLECTOR_PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_database_that_is_gone_shows_though_nobody_writes() {
    let gateway = Gateway::builder().arguments(PUBLIC).start().await;
    until(&gateway, "gateway_store_up", Some(1.0)).await;
    let (here, away) = (gateway.directory().join("data.db"), gateway.directory().join("away"));
    std::fs::rename(&here, &away).unwrap();
    until(&gateway, "gateway_store_up", Some(0.0)).await;
    std::fs::rename(&away, &here).unwrap();
    until(&gateway, "gateway_store_up", Some(1.0)).await;
}

#[tokio::test]
async fn metrics_that_are_switched_off_are_not_there() {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::builder()
        .proxy(Proxy::new("/-/up", &upstream.url()))
        .arguments(["--metrics", "off", "--metrics-public"])
        .start()
        .await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    assert_eq!(gateway.get(METRICS).await.status(), 404);
}
