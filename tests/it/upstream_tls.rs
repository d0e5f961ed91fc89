//! Upstreams over TLS, over HTTP/2, over IPv6 and by name.

use std::net::Ipv6Addr;

use gate_testkit::{
    BodyEnd, Echo, Gateway, H2Behaviour, H2Upstream, PATIENCE, Pattern, Peer, Proxy, TestAuthority, Upstream,
    eventually, quickest_of, sha256_hex, within,
};
use tokio::task::JoinSet;

use crate::setup::assert_refused;

/// A gateway that trusts `authority`, with one public proxy `/-/up`.
async fn trusting(authority: &TestAuthority, url: &str) -> Gateway {
    Gateway::builder().trusting(authority).proxy(Proxy::new("/-/up", url)).start().await
}

async fn in_front_of_h2(behaviour: H2Behaviour) -> (Gateway, H2Upstream) {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, behaviour).await;
    let gateway = trusting(&authority, &upstream.url()).await;
    (gateway, upstream)
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
async fn r020_fr_007_r019_ec4_http2_is_used_when_the_upstream_offers_it() {
    let (gateway, upstream) = in_front_of_h2(H2Behaviour::Echo).await;
    let mut client = gateway.connect().await;
    let lines = ["X-One: 1", "Connection: X-Gone", "X-Gone: 1", "Cookie: a=b", "Accept-Encoding: gzip"];
    let response = client.request("PUT", "/-/up/a%2Fb?c=d", &lines, b"hello").await;
    assert_eq!(
        (response.status(), response.json()["sha256"].as_str()),
        (200, Some(sha256_hex(b"hello").as_str()))
    );
    let request = upstream.ledger.only_request();
    assert_eq!((request.head.version.as_str(), request.head.target.as_str()), ("HTTP/2.0", "/a%2Fb?c=d"));
    let headers = request.head.headers;
    assert_eq!(headers.values(":authority"), [format!("127.0.0.1:{}", upstream.port())]);
    assert_eq!((headers.value("x-one"), headers.value("cookie")), (Some("1"), Some("a=b")));
    for gone in ["connection", "x-gone", "transfer-encoding", "accept-encoding", "keep-alive"] {
        assert!(!headers.has(gone), "{gone} in {headers:?}");
    }
}

#[tokio::test]
async fn bodies_of_every_size_pass_over_http2() {
    let (gateway, upstream) = in_front_of_h2(H2Behaviour::Echo).await;
    let mut client = gateway.connect().await;
    for size in [0, 1, 16_384, 65_535, 65_536, 1_000_000, 5_000_000] {
        let body = Pattern::new(size, size).to_vec();
        let response = client.request("POST", &format!("/-/up?bytes={size}&seed=1"), &[], &body).await;
        assert_eq!(response.header("x-body-sha256"), Some(sha256_hex(&body).as_str()), "{size} bytes up");
        assert_eq!(sha256_hex(&response.body), Pattern::new(1, size).sha256(), "{size} bytes down");
    }
    assert_eq!(upstream.ledger.accepted(), 1, "one connection carries them all");
}

#[tokio::test]
async fn parallel_requests_share_http2_connections() {
    let (gateway, upstream) = in_front_of_h2(H2Behaviour::Echo).await;
    gateway.get("/-/up").await;
    let mut requests = JoinSet::new();
    for number in 0..100_u64 {
        let mut client = gateway.connect().await;
        requests.spawn(async move {
            let response = client.get(&format!("/-/up?bytes=20000&seed={number}")).await;
            assert_eq!(response.status(), 200, "{}", response.text());
            assert_eq!(sha256_hex(&response.body), Pattern::new(number, 20_000).sha256());
        });
    }
    within(PATIENCE, requests.join_all()).await;
    assert!(upstream.ledger.accepted() <= 20, "{} connections", upstream.ledger.accepted());
}

#[tokio::test]
async fn head_and_trailers_work_over_http2() {
    let (gateway, _upstream) = in_front_of_h2(H2Behaviour::EchoWithTrailers).await;
    let mut client = gateway.connect().await;
    let response = client.request("GET", "/-/up", &["TE: trailers", "Connection: TE"], b"").await;
    assert_eq!((response.status(), response.end), (200, BodyEnd::Complete), "{}", gateway.log_text());
    let (gateway, _upstream) = in_front_of_h2(H2Behaviour::Echo).await;
    let mut client = gateway.connect().await;
    let response = client.request("HEAD", "/-/up?bytes=77", &[], b"").await;
    assert_eq!((response.header("content-length"), response.body.len()), (Some("77"), 0));
    assert_eq!(client.get("/-/up").await.status(), 200);
}

#[tokio::test]
async fn a_stream_reset_in_the_body_is_visible() {
    let (gateway, _upstream) = in_front_of_h2(H2Behaviour::ResetInBody).await;
    let response = gateway.get("/-/up?bytes=1000").await;
    assert!(response.end == BodyEnd::Truncated || response.status() == 502, "{response:?}");
    gateway.logged(|line| line.field("reason").starts_with("upstream_")).await;
}

#[tokio::test]
async fn a_refused_stream_is_502_in_the_end() {
    let (gateway, upstream) = in_front_of_h2(H2Behaviour::Refuse).await;
    let response = gateway.connect().await.request("POST", "/-/up", &[], b"x").await;
    assert_eq!(response.status(), 502, "{response:?}");
    assert!(upstream.ledger.request_count() <= 2, "nothing is retried for ever");
}

#[tokio::test]
async fn a_client_that_leaves_resets_its_stream_and_no_other() {
    let (gateway, upstream) = in_front_of_h2(H2Behaviour::Stall).await;
    let baseline = gateway.idle_descriptor_count().await;
    let quickest = quickest_of(3, || async {
        let seen = upstream.ledger.request_count();
        let mut client = gateway.connect().await;
        client.send_request("GET", "/-/up", &[], b"").await.unwrap();
        eventually(PATIENCE, || upstream.ledger.complete_count() > seen).await;
        drop(client);
        eventually(PATIENCE, || {
            gateway.log().iter().filter(|line| line.field("reason") == "client_closed").count() > seen
        })
        .await
    })
    .await;
    assert!(quickest.as_millis() <= 100, "{quickest:?}");
    eventually(PATIENCE, || gateway.descriptor_count() <= baseline + upstream.ledger.accepted()).await;
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
