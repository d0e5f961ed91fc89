//! What becomes of requests when their upstream, or the HTTP/2 connection to it, does not do what it should.

use gate_testkit::{
    BodyEnd, Gateway, H2ByHand, H2Peer, H2Request, PATIENCE, Proxy, RawClient, Response, TestAuthority,
    within,
};

use crate::setup::assert_refused;

/// The gateway, a client, and the upstream's end of a connection that has served that client's first request.
struct Around {
    upstream: H2ByHand,
    gateway: Gateway,
    client: RawClient,
}

impl Around {
    async fn new(change: impl FnOnce(Proxy) -> Proxy) -> (Self, H2Peer) {
        let authority = TestAuthority::new();
        let upstream = H2ByHand::start(&authority).await;
        let proxy = change(Proxy::new("/-/up", &upstream.url()));
        let one_worker = ["--workers", "1"];
        let gateway =
            Gateway::builder().trusting(&authority).proxy(proxy).arguments(one_worker).start().await;
        let mut client = gateway.connect().await;
        let serving = async {
            let mut peer = upstream.accept().await;
            let request = peer.request().await;
            peer.answer(request.stream, "first").await.unwrap();
            peer
        };
        let (response, peer) = tokio::join!(client.get("/-/up"), serving);
        assert_eq!((response.text(), response.end), ("first".into(), BodyEnd::Complete));
        (Around { upstream, gateway, client }, peer)
    }

    /// Sends a request of the same client, which the peer reads whole.
    async fn send(&mut self, peer: &mut H2Peer, method: &str, body: &[u8]) -> H2Request {
        self.client.send_request(method, "/-/up", &[], body).await.unwrap();
        peer.request().await
    }

    /// Answers what arrives on the next connection.
    async fn answer_anew(&mut self) -> (H2Request, Response) {
        let mut peer = self.upstream.accept().await;
        let request = peer.request().await;
        peer.answer(request.stream, "again").await.unwrap();
        (request, self.answer().await)
    }

    async fn answer(&mut self) -> Response {
        within(PATIENCE, self.client.read_response()).await.unwrap()
    }
}

/// How an upstream says that it never looked at a request.
#[derive(Clone, Copy, Debug)]
enum Unseen {
    Refused,
    BeyondTheLast,
}

impl Unseen {
    async fn say(self, peer: &mut H2Peer, stream: u32) {
        match self {
            Unseen::Refused => peer.reset(stream, REFUSED_STREAM).await.unwrap(),
            Unseen::BeyondTheLast => peer.go_away(stream - 2).await.unwrap(),
        }
    }
}

#[tokio::test]
async fn what_the_upstream_never_looked_at_is_sent_again_whatever_it_is() {
    for unseen in [Unseen::Refused, Unseen::BeyondTheLast] {
        for (method, body) in [("GET", vec![]), ("POST", vec![]), ("POST", vec![b'x'; 10_000])] {
            let (mut around, mut peer) = Around::new(|proxy| proxy).await;
            let request = around.send(&mut peer, method, &body).await;
            assert_eq!(request.body, body);
            unseen.say(&mut peer, request.stream).await;
            let (again, response) = around.answer_anew().await;
            assert_eq!(again.body, body, "{unseen:?} {method}");
            assert_eq!((response.status(), response.text()), (200, "again".into()), "{unseen:?} {method}");
        }
    }
}

#[tokio::test]
async fn it_is_sent_again_only_once() {
    let (mut around, mut peer) = Around::new(|proxy| proxy).await;
    let request = around.send(&mut peer, "GET", b"").await;
    peer.reset(request.stream, REFUSED_STREAM).await.unwrap();
    let mut peer = around.upstream.accept().await;
    let request = peer.request().await;
    peer.reset(request.stream, REFUSED_STREAM).await.unwrap();
    assert_refused(&around.answer().await, 502, "upstream_reset");
}

#[tokio::test]
async fn a_request_on_a_pooled_connection_that_closes_is_sent_again_if_it_may_be_sent_twice() {
    let (mut around, mut peer) = Around::new(|proxy| proxy).await;
    around.send(&mut peer, "PUT", b"one").await;
    drop(peer);
    let (again, response) = around.answer_anew().await;
    assert_eq!((again.body, response.text()), (b"one".to_vec(), "again".into()));
    // A request of the other kind may have been acted on.
    let (mut around, mut peer) = Around::new(|proxy| proxy).await;
    around.send(&mut peer, "POST", b"one").await;
    drop(peer);
    assert_refused(&around.answer().await, 502, "upstream_reset");
}

#[tokio::test]
async fn a_stream_that_is_reset_is_sent_again_only_if_that_is_asked_for() {
    let (mut around, mut peer) = Around::new(|proxy| proxy).await;
    let request = around.send(&mut peer, "GET", b"").await;
    peer.reset(request.stream, INTERNAL_ERROR).await.unwrap();
    assert_refused(&around.answer().await, 502, "upstream_reset");

    let (mut around, mut peer) = Around::new(|proxy| proxy.retry_config(r#"{"attempts":1}"#)).await;
    let request = around.send(&mut peer, "GET", b"").await;
    peer.reset(request.stream, INTERNAL_ERROR).await.unwrap();
    let again = peer.request().await;
    peer.answer(again.stream, "again").await.unwrap();
    assert_eq!(around.answer().await.text(), "again");
}

#[tokio::test]
async fn a_switch_of_protocols_is_no_answer_over_http2() {
    let (mut around, mut peer) = Around::new(|proxy| proxy).await;
    let request = around.send(&mut peer, "GET", b"").await;
    peer.head(request.stream, "101", &[]).await.unwrap();
    assert_refused(&around.answer().await, 502, "upstream_protocol");
}

#[tokio::test]
async fn a_head_that_is_malformed_is_no_reset_and_is_not_asked_for_again() {
    for fields in [
        &[("content-length", "2"), ("content-length", "5")][..],
        &[("content-length", "two")],
        &[("connection", "x-one"), ("x-one", "1")],
        &[("x-one", "1\r\nx-two: 2")],
        &[("X-One", "1")],
    ] {
        let retry = r#"{"attempts":2,"backoff_ms":1,"budget_percent":100}"#;
        let (mut around, mut peer) = Around::new(|proxy| proxy.retry_config(retry)).await;
        let request = around.send(&mut peer, "GET", b"").await;
        peer.head(request.stream, "200", fields).await.unwrap();
        let response = around.answer().await;
        assert_eq!(
            (response.status(), response.header("x-gateway-reason")),
            (502, Some("upstream_protocol")),
            "{fields:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_is_silent_is_given_up_with_the_first_timeout() {
    for timeouts in [r#"{"response_header":1}"#, r#"{"response_header":0,"body_idle":1}"#] {
        let (mut around, mut peer) = Around::new(|proxy| proxy.timeout_config(timeouts)).await;
        let request = around.send(&mut peer, "GET", b"").await;
        if timeouts.contains("body_idle") {
            peer.head(request.stream, "200", &[("content-length", "9")]).await.unwrap();
            let cut = around.answer().await;
            assert_eq!((cut.status(), cut.end), (200, BodyEnd::Truncated));
            around.client = around.gateway.connect().await;
        } else {
            assert_refused(&around.answer().await, 504, "timeout_first_byte");
        }
        around.client.send_request("GET", "/-/up", &[], b"").await.unwrap();
        assert_eq!(around.answer_anew().await.1.text(), "again", "{timeouts}");
    }
}

#[tokio::test]
async fn a_connection_on_which_something_moves_outlives_a_timeout() {
    let (mut around, mut peer) = Around::new(|proxy| proxy.timeout_config(r#"{"response_header":1}"#)).await;
    let slow = around.send(&mut peer, "GET", b"").await;
    let mut other = around.gateway.connect().await;
    other.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let quick = peer.request().await;
    peer.answer(quick.stream, "quick").await.unwrap();
    assert_eq!(within(PATIENCE, other.read_response()).await.unwrap().text(), "quick");
    assert_refused(&around.answer().await, 504, "timeout_first_byte");
    around.client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let next = peer.request().await;
    assert!(next.stream > slow.stream, "the same connection carries it");
}

#[tokio::test]
async fn streams_that_run_on_a_connection_that_was_given_up_come_to_their_end() {
    let (mut around, mut peer) = Around::new(|proxy| proxy.timeout_config(r#"{"response_header":1}"#)).await;
    let running = around.send(&mut peer, "GET", b"").await;
    peer.head(running.stream, "200", &[("content-length", "5")]).await.unwrap();
    assert_eq!(around.client.read_head().await.unwrap().status, 200);
    let mut late = around.gateway.connect().await;
    late.send_request("GET", "/-/up", &[], b"").await.unwrap();
    peer.request().await;
    assert_refused(&within(PATIENCE, late.read_response()).await.unwrap(), 504, "timeout_first_byte");
    late.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut second = around.upstream.accept().await;
    let request = second.request().await;
    second.answer(request.stream, "anew").await.unwrap();
    assert_eq!(within(PATIENCE, late.read_response()).await.unwrap().text(), "anew");
    peer.data(running.stream, "whole").await.unwrap();
    assert_eq!(within(PATIENCE, around.client.read_part()).await.unwrap().unwrap(), b"whole");
}

/// Error codes (RFC 9113 §7).
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
