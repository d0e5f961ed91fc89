//! One request is called by one name: in its answer, in the log, and towards its upstream (020-US6, contract D-4).

use gate_testkit::{
    Answer, Echo, Gateway, H2Behaviour, H2Upstream, Ledger, Proxy, ResetBeforeHead, Response, TestAuthority,
    Upstream,
};

use crate::setup::{in_front_of, in_front_of_echo};
use crate::upstream_tls::trusting;

/// Two requests with an id of the client's, one a refusal, over a gateway with these arguments: the answers, and what the upstream
/// saw of the first.
async fn asked_with(id: &str, arguments: &[&str]) -> (Response, Response, Vec<String>) {
    let upstream = Upstream::start(Echo).await;
    let proxy = Proxy::new("/-/up", &upstream.url());
    let gateway = Gateway::builder().proxy(proxy).arguments(arguments).start().await;
    let mut client = gateway.connect().await;
    let line = format!("X-Request-Id: {id}");
    let answered = client.request("GET", "/-/up", &[&line], b"").await;
    let refused = client.request("GET", "/-/none", &[&line], b"").await;
    (answered, refused, seen(&upstream.ledger))
}

/// The ids in the last request that an upstream got.
fn seen(ledger: &Ledger) -> Vec<String> {
    ledger.last_request().head.headers.values("x-request-id").into_iter().map(str::to_owned).collect()
}

fn id(response: &Response) -> &str {
    response.header("x-request-id").expect("every answer has an id")
}

fn is_ours(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[tokio::test]
async fn answer_and_upstream_have_the_same_id() {
    let (gateway, upstream) = in_front_of_echo().await;
    let response = gateway.get("/-/up").await;
    assert!(is_ours(id(&response)));
    assert_eq!(seen(&upstream.ledger), [id(&response)]);
}

#[tokio::test]
async fn over_http2_as_well() {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::Echo).await;
    let gateway = trusting(&authority, &upstream.url()).await;
    let response = gateway.get("/-/up").await;
    assert!(is_ours(id(&response)));
    assert_eq!(seen(&upstream.ledger), [id(&response)]);
}

#[tokio::test]
async fn log_answer_and_upstream_of_a_failure_have_the_same_id() {
    let (gateway, upstream) = in_front_of(ResetBeforeHead).await;
    let response = gateway.get("/-/up").await;
    assert_eq!(seen(&upstream.ledger), [id(&response)]);
    gateway.logged(|line| line.field("request_id") == id(&response)).await;
}

#[tokio::test]
async fn every_answer_of_our_own_has_one() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let preflight = ["Origin: https://a.example", "Access-Control-Request-Method: GET"];
    let preflight = gateway.connect().await.request("OPTIONS", "/-/up", &preflight, b"").await;
    assert_eq!(preflight.status(), 204);
    for response in [
        preflight,
        gateway.get("/api/gateway/ready").await,
        gateway.get("/api/health").await,
        gateway.get("/api/none").await,
        gateway.get("/-/none").await,
    ] {
        assert!(is_ours(id(&response)), "{response:?}");
    }
}

#[tokio::test]
async fn what_a_stranger_calls_a_request_is_not_taken_over() {
    let (answered, refused, seen) = asked_with("of-the-client", &[]).await;
    assert!(is_ours(id(&answered)) && is_ours(id(&refused)));
    assert_eq!(seen, [id(&answered)]);
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let of_control_plane = client.request("GET", "/api/health", &["X-Request-Id: of-the-client"], b"").await;
    assert!(is_ours(id(&of_control_plane)));
}

#[tokio::test]
async fn what_a_trusted_proxy_calls_it_is_taken_over() {
    let trusting = ["--trusted-proxy", "127.0.0.1"];
    let given = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    let (answered, refused, seen) = asked_with(given, &trusting).await;
    assert_eq!((id(&answered), id(&refused)), (given, given));
    assert_eq!(seen, [given]);
    assert!(refused.text().contains(given), "{}", refused.text());
}

#[tokio::test]
async fn what_cannot_stand_in_a_log_line_is_not_taken_over() {
    for given in ["a b", "a\"b", "", &"x".repeat(73)] {
        let (answered, refused, seen) = asked_with(given, &["--trusted-proxy", "127.0.0.1"]).await;
        assert!(is_ours(id(&answered)) && is_ours(id(&refused)), "{given}");
        assert_eq!(seen, [id(&answered)], "{given}");
    }
}

#[tokio::test]
async fn what_the_upstream_calls_it_has_a_field_of_its_own() {
    let answer = "HTTP/1.1 200 OK\r\nX-Request-Id: req_of_the_upstream\r\nContent-Length: 0\r\n\r\n";
    let (gateway, _upstream) = in_front_of(Answer::then_keep_open(answer)).await;
    let response = gateway.get("/-/up").await;
    assert_eq!(response.head.headers.values("x-request-id").len(), 1);
    assert!(is_ours(id(&response)));
    assert_eq!(response.header("x-upstream-request-id"), Some("req_of_the_upstream"));
}

#[tokio::test]
async fn a_proxy_may_set_the_field_itself() {
    let upstream = Upstream::start(Echo).await;
    let proxy = Proxy::new("/-/up", &upstream.url()).header("X-Request-Id: fixed");
    let gateway = Gateway::start([proxy]).await;
    assert!(is_ours(id(&gateway.get("/-/up").await)));
    assert_eq!(seen(&upstream.ledger), ["fixed"]);
}
