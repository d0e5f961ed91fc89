//! How large a request head may be, and what a larger one costs (row A25).

use super::refusal::{assert_nothing_leaked, assert_refused_and_closed};
use crate::setup::in_front_of_echo;

#[tokio::test]
async fn a25_heads_over_the_limits_are_refused() {
    let long_line = format!("GET /-/up HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(17 * 1024));
    let line = format!("X: {}\r\n", "a".repeat(8_000));
    let large_head = format!("GET /-/up HTTP/1.1\r\nHost: a\r\n{}\r\n", line.repeat(5));
    let many_fields = format!("GET /-/up HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(101));
    let long_target = format!("GET /-/up/{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(8 * 1024));
    let (gateway, upstream) = in_front_of_echo().await;
    for (name, request, status) in [
        ("long line", long_line, 431),
        ("large head", large_head, 431),
        ("many fields", many_fields, 431),
        ("long target", long_target, 414),
    ] {
        assert_refused_and_closed(&gateway, name, request.as_bytes(), &[status]).await;
    }
    assert_nothing_leaked(&gateway, &upstream).await;
}

#[tokio::test]
async fn a25_heads_within_the_limits_pass() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    assert_eq!(client.get(&format!("/-/up/{}", "a".repeat(8_000))).await.status(), 200);
    let line = format!("X: {}", "a".repeat(15_000));
    assert_eq!(client.request("GET", "/-/up", &[&line], b"").await.status(), 200);
    assert_eq!(client.request("GET", "/-/up", &["X: 1"; 90], b"").await.status(), 200);
    assert_eq!(upstream.ledger.complete_count(), 3);
}
