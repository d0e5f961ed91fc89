//! `Expect: 100-continue` (RFC 9110 section 10.1.1).

use std::time::Duration;

use gate_testkit::{ByHand, EarlyResponse, Gateway, PATIENCE, Proxy, eventually};

use crate::setup::{assert_refused, in_front_of, in_front_of_echo};

const HEAD: &str = "POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";

#[tokio::test]
async fn a_client_that_waits_is_told_to_go_on() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    client.send(HEAD).await.unwrap();
    assert_eq!(client.read_head().await.unwrap().status, 100);
    client.send("hello").await.unwrap();
    let response = client.read_response().await.unwrap();
    assert_eq!(response.json()["body_length"], 5);
    assert!(response.informational.is_empty(), "one 100 is enough: {response:?}");
    assert_eq!(client.get("/-/up").await.status(), 200);
}

#[tokio::test]
async fn a_client_that_does_not_wait_is_served_as_well() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    for _ in 0..3 {
        client.send(format!("{HEAD}hello")).await.unwrap();
        let response = client.read_response().await.unwrap();
        assert_eq!(response.json()["body_length"], 5);
        assert!(response.informational.len() <= 1, "{response:?}");
    }
}

#[tokio::test]
async fn a_final_answer_instead_of_100_means_the_body_is_not_sent() {
    let (gateway, upstream) = in_front_of(EarlyResponse).await;
    let mut client = gateway.connect().await;
    client.send(HEAD).await.unwrap();
    let response = client.read_response().await.unwrap();
    // Whoever answers 100 on behalf of the upstream would have asked for a body nobody wants.
    assert_eq!((response.informational.len(), response.status()), (0, 413));
    assert_eq!(upstream.ledger.complete_count(), 0);
}

#[tokio::test]
async fn a_refusal_comes_before_the_body() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    client.send(HEAD.replace("/-/up", "/-/none")).await.unwrap();
    let response = client.read_response().await.unwrap();
    assert_refused(&response, 404, "not_found");
    assert!(response.informational.is_empty(), "{response:?}");
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn an_unknown_expectation_is_417() {
    let (gateway, upstream) = in_front_of_echo().await;
    for value in ["200-ok", "100-continue, x", "x 100-continue"] {
        let mut client = gateway.connect().await;
        client.send(HEAD.replace("100-continue", value)).await.unwrap();
        assert_refused(&client.read_response().await.unwrap(), 417, "expectation_failed");
    }
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn an_http_1_0_expectation_is_ignored() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    client.send(HEAD.replace("HTTP/1.1", "HTTP/1.0") + "hello").await.unwrap();
    let response = client.read_response().await.unwrap();
    assert_eq!((response.informational.len(), response.status()), (0, 200));
}

#[tokio::test]
async fn an_upstream_that_answers_early_is_left_at_once() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut client = gateway.connect().await;
    client.send("POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nfirst").await.unwrap();
    let mut peer = upstream.accept().await;
    peer.read_head().await.unwrap();
    peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!").await.unwrap();
    let response = client.read_response().await.unwrap();
    assert_eq!((response.status(), response.text().as_str()), (413, "no!"));
    let _: std::io::Result<()> = peer.until_closed().await;
    drop(peer);
    eventually(PATIENCE, || upstream.upstream.ledger.open() == 0).await;
    assert!(!client.is_silent_for(Duration::from_secs(5)).await, "the half-sent request ends the connection");
}
