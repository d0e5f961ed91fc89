//! The two ends without a proxy between them: what they report must add up.

use std::time::Duration;

use crate::idle::{self, IdleOptions};
use crate::load::{self, LoadOptions, LoadReport};
use crate::sse::{self, SseError, SseOptions};
use crate::upstream::Upstream;
use crate::window::Window;

/// The URL of an upstream that serves until the test's runtime ends.
fn upstream_url(path: &str) -> String {
    let upstream = Upstream::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = upstream.address().unwrap();
    tokio::spawn(upstream.serve());
    format!("http://{address}{path}")
}

fn short_window() -> Window {
    Window { duration: Duration::from_millis(200), warmup: Duration::from_millis(50), watch: Vec::new() }
}

fn options(path: &str) -> LoadOptions {
    let target = upstream_url(path).parse().unwrap();
    LoadOptions {
        target,
        connections: 4,
        fresh: false,
        spread: 1,
        expect: 200,
        events: false,
        post: None,
        header: Vec::new(),
        rate: None,
        sources: 1,
        window: short_window(),
    }
}

#[track_caller]
fn check(report: &LoadReport, body_bytes: u64) {
    assert_eq!((report.errors, report.reconnects, report.stalled), (0, 0, 0), "{report:?}");
    assert!(report.requests > 0, "{report:?}");
    assert_eq!(report.body_bytes, report.requests * body_bytes);
    let latency = &report.latency;
    assert!(0 < latency.p50_ns && latency.p50_ns <= latency.p99_ns && latency.p99_ns <= latency.max_ns);
}

#[tokio::test]
async fn every_reply_arrives_whole() {
    // Long enough for ten megabytes on a machine that has something else to do.
    let window = || Window { duration: Duration::from_secs(2), ..short_window() };
    for (path, body_bytes) in [("/b/1k", 1024), ("/chunks", 100 * 1024), ("/10m", 10 * 1024 * 1024)] {
        check(&load::run(LoadOptions { window: window(), ..options(path) }).await.unwrap(), body_bytes);
    }
}

#[tokio::test]
async fn posts_are_answered() {
    let report = load::run(LoadOptions { post: Some(100_000), ..options("/any") }).await.unwrap();
    check(&report, 1024);
}

#[tokio::test]
async fn a_fixed_rate_is_kept() {
    let report = load::run(LoadOptions { rate: Some(500.0), ..options("/1k") }).await.unwrap();
    check(&report, 1024);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred requests")]
    let per_second = report.requests as f64 / report.seconds;
    assert!((100.0..600.0).contains(&per_second), "{per_second} requests a second");
}

#[tokio::test]
async fn new_connections_are_counted_as_such() {
    let report = load::run(LoadOptions { fresh: true, ..options("/1k") }).await.unwrap();
    assert_eq!((report.errors, report.stalled), (0, 0), "{report:?}");
    assert!(report.requests > 0 && report.reconnects.abs_diff(report.requests) <= 4, "{report:?}");
}

#[tokio::test]
async fn an_expected_refusal_is_no_error() {
    let report = load::run(LoadOptions { expect: 404, spread: 3, ..options("/{n}") }).await.unwrap();
    check(&report, 2);
}

#[tokio::test]
async fn the_events_of_an_answer_are_timed() {
    let path = "/chat?first=20&gap=5&events=4";
    let report = load::run(LoadOptions { events: true, post: Some(100), ..options(path) }).await.unwrap();
    assert_eq!((report.errors, report.reconnects, report.stalled), (0, 0, 0), "{report:?}");
    let events = report.event_times.unwrap();
    assert!(report.requests > 0 && events.count >= 4 * (report.requests - 4), "{events:?}");
    assert!(events.first.p50_ns >= 20_000_000 && events.gap.p50_ns < 5_000_000, "{events:?}");
    assert!(report.latency.p50_ns >= 35_000_000, "{:?}", report.latency);
}

#[tokio::test]
async fn streams_without_a_rate_are_limited_by_the_reader_alone() {
    let target = upstream_url("/sse?rate=max").parse().unwrap();
    let options = SseOptions { target, streams: 3, sources: 1, window: short_window() };
    let report = sse::run(options).await.unwrap();
    assert_eq!((report.streams, report.errors), (3, 0));
    assert!(report.events > 100, "far more than any rate: {report:?}");
}

#[tokio::test]
async fn idle_connections_are_still_there_after_the_wait() {
    let target = upstream_url("/1k").parse().unwrap();
    let options = IdleOptions { target, connections: 20, sources: 2, window: short_window() };
    let report = idle::run(options).await.unwrap();
    assert_eq!((report.connections, report.errors), (20, 0), "{report:?}");
}

#[tokio::test]
async fn other_answers_than_200_are_errors() {
    let report = load::run(options("/unknown")).await.unwrap();
    assert_eq!((report.requests, report.reconnects), (0, 0));
    assert!(report.errors > 0);
}

#[tokio::test]
async fn events_arrive_on_every_stream_at_their_rate() {
    let target = upstream_url("/sse?rate=100").parse().unwrap();
    let options = SseOptions { target, streams: 10, sources: 1, window: short_window() };
    let report = sse::run(options).await.unwrap();
    assert_eq!((report.streams, report.errors), (10, 0));
    #[expect(clippy::cast_precision_loss, reason = "a few hundred events")]
    let per_stream_second = report.events as f64 / report.seconds / 10.0;
    assert!((20.0..150.0).contains(&per_stream_second), "{per_stream_second} events a second");
}

#[tokio::test]
async fn a_stream_that_is_refused_is_an_error() {
    let target = upstream_url("/unknown").parse().unwrap();
    let options = SseOptions { target, streams: 1, sources: 1, window: short_window() };
    let refused = sse::run(options).await.unwrap_err();
    assert!(matches!(refused, SseError::Refused { status: 404 }), "{refused}");
}
