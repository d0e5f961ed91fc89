//! The one silent retry: a reused connection died before any byte of an answer (robustness §3.C, C10).

use std::collections::HashSet;
use std::time::Duration;

use gate_testkit::{ByHand, CloseIdle, Gateway, PATIENCE, Proxy, RawClient, eventually};

use crate::setup::{assert_refused, in_front_of};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A client whose next request goes out on a pooled connection, and the upstream's end of that connection.
async fn with_pooled_connection(upstream: &mut ByHand) -> (Gateway, RawClient, gate_testkit::Peer) {
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up/first", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    peer.send(OK).await.unwrap();
    assert_eq!(client.read_response().await.unwrap().text(), "ok");
    (gateway, client, peer)
}

#[tokio::test]
async fn a_get_on_a_stale_connection_is_sent_again() {
    let mut upstream = ByHand::start().await;
    let (_gateway, mut client, mut peer) = with_pooled_connection(&mut upstream).await;
    client.send_request("GET", "/-/up/again", &[], b"").await.unwrap();
    peer.read_request().await.unwrap().expect("the pooled connection is used");
    drop(peer);
    upstream.accept_request().await.send(OK).await.unwrap();
    assert_eq!(client.read_response().await.unwrap().status(), 200);
    let targets: Vec<_> =
        upstream.upstream.ledger.requests().into_iter().map(|request| request.head.target).collect();
    assert_eq!(targets, ["/first", "/again", "/again"]);
}

#[tokio::test]
async fn it_is_sent_again_only_once() {
    let mut upstream = ByHand::start().await;
    let (_gateway, mut client, mut peer) = with_pooled_connection(&mut upstream).await;
    client.send_request("GET", "/-/up/again", &[], b"").await.unwrap();
    peer.read_request().await.unwrap().expect("the pooled connection is used");
    peer.reset().unwrap();
    upstream.accept_request().await.reset().unwrap();
    assert_refused(&client.read_response().await.unwrap(), 502, "upstream_reset");
    assert_eq!(upstream.upstream.ledger.request_count(), 3);
}

#[tokio::test]
async fn without_time_left_it_is_told_as_the_reset_it_was() {
    let mut upstream = ByHand::start().await;
    let proxy = Proxy::new("/-/up", &upstream.url()).timeout(1).timeout_config("{\"response_header\":0}");
    let gateway = Gateway::start([proxy]).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up/first", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    peer.send(OK).await.unwrap();
    client.read_response().await.unwrap();
    client.send_request("GET", "/-/up/again", &[], b"").await.unwrap();
    peer.read_request().await.unwrap().expect("the pooled connection is used");
    assert!(client.is_silent_for(Duration::from_millis(1_500)).await, "the wait for the head is unlimited");
    drop(peer);
    assert_refused(&client.read_response().await.unwrap(), 502, "upstream_reset");
    assert_eq!(upstream.upstream.ledger.request_count(), 2);
}

#[tokio::test]
async fn a_post_that_was_sent_is_never_sent_again() {
    let mut upstream = ByHand::start().await;
    let (_gateway, mut client, mut peer) = with_pooled_connection(&mut upstream).await;
    client.send_request("POST", "/-/up/order", &[], b"one").await.unwrap();
    peer.read_request().await.unwrap().expect("the pooled connection is used");
    peer.reset().unwrap();
    assert_refused(&client.read_response().await.unwrap(), 502, "upstream_reset");
    assert_eq!(upstream.upstream.ledger.request_count(), 2);
}

#[tokio::test]
async fn an_answer_that_has_begun_is_never_asked_for_again() {
    let mut upstream = ByHand::start().await;
    let (_gateway, mut client, mut peer) = with_pooled_connection(&mut upstream).await;
    client.send_request("GET", "/-/up/again", &[], b"").await.unwrap();
    peer.read_request().await.unwrap().expect("the pooled connection is used");
    peer.send("HTTP/1.1 200 O").await.unwrap();
    drop(peer);
    let response = client.read_response().await.unwrap();
    assert_eq!(response.status(), 502, "{response:?}");
    assert_eq!(upstream.upstream.ledger.request_count(), 2);
}

#[tokio::test]
async fn an_upstream_that_closes_silently_loses_no_get() {
    let (gateway, upstream) = in_front_of(CloseIdle).await;
    let mut client = gateway.connect().await;
    for number in 0..100 {
        assert_eq!(client.get(&format!("/-/up/{number}")).await.status(), 200, "request {number}");
    }
    assert!(upstream.ledger.complete_count() >= 100);
}

#[tokio::test]
async fn an_upstream_that_closes_silently_never_sees_a_post_twice() {
    let (gateway, upstream) = in_front_of(CloseIdle).await;
    let mut client = gateway.connect().await;
    for number in 0..100 {
        let response = client.request("POST", &format!("/-/up/{number}"), &[], b"body").await;
        assert!([200, 502].contains(&response.status()), "{response:?}");
        eventually(PATIENCE, || upstream.ledger.open() == 0).await;
    }
    let targets: Vec<_> = upstream.ledger.requests().into_iter().map(|request| request.head.target).collect();
    let different: HashSet<_> = targets.iter().collect();
    assert_eq!(different.len(), targets.len(), "a POST was sent twice: {targets:?}");
    assert_eq!(
        targets.len(),
        100,
        "the upstream was closed and gone each time, so each POST could be delivered"
    );
}
