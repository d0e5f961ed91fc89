//! What happens when the machine has no more to give (robustness §3.M).

use std::time::Duration;

use crate::setup::assert_refused;

use gate_testkit::{Echo, Gateway, PATIENCE, Proxy, Upstream, within};

const DESCRIPTORS_MAX: u32 = 80;

async fn with_few_descriptors(upstream: &Upstream) -> Gateway {
    let builder = Gateway::builder().proxy(Proxy::new("/-/up", &upstream.url()));
    // More connections than the descriptors are enough for, which nobody should allow.
    let arguments = ["--workers", "1", "--max-connections", "1000"];
    builder.descriptors_max(DESCRIPTORS_MAX).arguments(arguments).start().await
}

#[tokio::test]
async fn without_descriptors_it_waits_and_then_goes_on() {
    let upstream = Upstream::start(Echo).await;
    let gateway = with_few_descriptors(&upstream).await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    let mut greedy = Vec::new();
    for _ in 0..120 {
        greedy.push(gateway.connect().await);
    }
    gateway.logged(|line| line.text.contains("cannot accept")).await;
    let before = gateway.processor_time();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let spent = gateway.processor_time().saturating_sub(before);
    assert!(spent < Duration::from_millis(300), "{spent:?} of a second spent on nothing");
    drop(greedy);
    assert_eq!(gateway.get("/-/up").await.status(), 200);
}

#[tokio::test]
async fn without_a_descriptor_for_the_upstream_a_request_is_refused_and_the_next_is_served() {
    let upstream = Upstream::start(Echo).await;
    let gateway = with_few_descriptors(&upstream).await;
    let mut first = gateway.connect().await;
    let mut others = Vec::new();
    for _ in 0..120 {
        others.push(gateway.connect().await);
    }
    gateway.logged(|line| line.text.contains("cannot accept")).await;
    let response = first.get("/-/up").await;
    assert_refused(&response, 503, "overloaded");
    drop(others);
    within(PATIENCE, async { while first.get("/-/up").await.status() != 200 {} }).await;
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    let gateway = Gateway::builder().log_nobody_reads().start().await;
    let mut client = gateway.connect().await;
    let long = format!("/-/none/{}", "x".repeat(4000));
    // Far more lines than a pipe holds.
    let refusals = async {
        for _ in 0..2_000 {
            assert_eq!(client.get(&long).await.status(), 404);
        }
    };
    within(PATIENCE, refusals).await;
    assert_eq!(gateway.get("/api/health").await.status(), 200);
}
