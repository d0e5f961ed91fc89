//! Upstreams over TLS, over IPv6 and by name.

use std::net::Ipv6Addr;

use gate_testkit::{Echo, Gateway, Peer, Proxy, TestAuthority, Upstream};

use crate::setup::assert_refused;

/// A gateway that trusts `authority`, with one public proxy `/-/up`.
pub(crate) async fn trusting(authority: &TestAuthority, url: &str) -> Gateway {
    Gateway::builder().trusting(authority).proxy(Proxy::new("/-/up", url)).start().await
}

#[tokio::test]
async fn an_upstream_without_http2_is_spoken_to_over_http1() {
    let authority = TestAuthority::new();
    let upstream = Upstream::start_tls(&authority, Echo).await;
    let gateway = trusting(&authority, &upstream.url()).await;
    let mut client = gateway.connect().await;
    for _ in 0..5 {
        assert_eq!(client.request("POST", "/-/up", &[], b"hello").await.json()["body_length"], 5);
    }
    assert_eq!(upstream.ledger.accepted(), 1, "TLS connections are pooled");
    let headers = upstream.ledger.last_request().head.headers;
    assert_eq!(headers.values("host"), [upstream.address().to_string()]);
}

#[tokio::test]
async fn r019_us2_ac4_host_and_server_name_are_the_upstreams() {
    let authority = TestAuthority::new();
    let upstream = Upstream::start_tls(&authority, Echo).await;
    let authority_part = format!("localhost:{}", upstream.address().port());
    let gateway = trusting(&authority, &format!("https://{authority_part}")).await;
    // The certificate is good for `localhost`; the handshake fails when another name is asked for.
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    assert_eq!(upstream.ledger.only_request().head.headers.values("host"), [authority_part]);
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let upstream = Upstream::start_tls(&TestAuthority::new(), Echo).await;
    let gateway = trusting(&TestAuthority::new(), &upstream.url()).await;
    assert_refused(&gateway.get("/-/up").await, 502, "upstream_tls");
    assert_eq!(upstream.ledger.request_count(), 0);
}

#[tokio::test]
async fn an_upstream_that_speaks_no_tls_is_refused() {
    let upstream = Upstream::start(async |mut peer: Peer| {
        peer.read_bytes(5).await?;
        peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await
    })
    .await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url().replace("http:", "https:"))]).await;
    assert_refused(&gateway.get("/-/up").await, 502, "upstream_tls");
}

#[tokio::test]
async fn a_tls_handshake_that_hangs_is_504() {
    let upstream = gate_testkit::ByHand::start().await;
    let url = upstream.url().replace("http:", "https:");
    let gateway = Gateway::start([Proxy::new("/-/up", &url).timeout_config("{\"tls\":1}")]).await;
    assert_refused(&gateway.get("/-/up").await, 504, "timeout_tls");
}

#[tokio::test]
async fn an_ipv6_upstream_is_reached() {
    let upstream = Upstream::start_on(Ipv6Addr::LOCALHOST.into(), Echo).await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    assert_eq!(upstream.ledger.only_request().head.headers.values("host"), [upstream.address().to_string()]);
}

#[tokio::test]
async fn an_upstream_is_reached_by_name() {
    let upstream = Upstream::start(Echo).await;
    let name = format!("localhost:{}", upstream.address().port());
    let gateway = Gateway::start([Proxy::new("/-/up", &format!("http://{name}"))]).await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    assert_eq!(upstream.ledger.only_request().head.headers.values("host"), [name]);
}
