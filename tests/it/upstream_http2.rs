//! Upstreams that speak HTTP/2 (020-FR-007).

use gate_testkit::{
    BodyEnd, Gateway, H2Behaviour, H2Upstream, PATIENCE, Pattern, Proxy, RawClient, TestAuthority,
    eventually, quickest_of, sha256_hex, within,
};
use tokio::task::JoinSet;

use crate::upstream_tls::trusting;

async fn in_front_of_h2(behaviour: H2Behaviour) -> (Gateway, H2Upstream) {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, behaviour).await;
    let gateway = trusting(&authority, &upstream.url()).await;
    (gateway, upstream)
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
async fn parallel_requests_share_one_connection() {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::Echo).await;
    let proxy = Proxy::new("/-/up", &upstream.url());
    let gateway =
        Gateway::builder().trusting(&authority).proxy(proxy).arguments(["--workers", "1"]).start().await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
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
    assert_eq!(upstream.ledger.accepted(), 1);
}

#[tokio::test]
async fn head_works_over_http2() {
    let (gateway, _upstream) = in_front_of_h2(H2Behaviour::Echo).await;
    let mut client = gateway.connect().await;
    let response = client.request("HEAD", "/-/up?bytes=77", &[], b"").await;
    assert_eq!((response.header("content-length"), response.body.len()), (Some("77"), 0));
    assert_eq!(client.get("/-/up").await.status(), 200);
}

#[tokio::test]
async fn trailers_pass_over_http2_both_ways() {
    let (gateway, upstream) = in_front_of_h2(H2Behaviour::EchoWithTrailers).await;
    let mut client = gateway.connect().await;
    let head = "POST /-/up HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(format!("{head}2\r\nok\r\n0\r\nX-Sum: 9\r\n\r\n")).await.unwrap();
    let response = client.read_response().await.unwrap();
    assert_eq!((response.status(), response.end), (200, BodyEnd::Complete), "{}", gateway.log_text());
    let body = upstream.ledger.only_request().body.unwrap();
    assert_eq!((body.length, body.trailers.value("x-sum")), (2, Some("9")));
    assert_eq!(response.trailers.value("x-checksum"), Some("done"));
    assert_eq!(upstream.ledger.only_request().head.headers.value("te"), Some("trailers"));
    assert_eq!(client.get("/-/up").await.end, BodyEnd::Complete, "the connection is in step");
}

#[tokio::test]
async fn interim_responses_pass_over_http2() {
    let (gateway, _upstream) = in_front_of_h2(H2Behaviour::EarlyHints).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up?bytes=10", &[], b"").await.unwrap();
    let hints = client.read_head().await.unwrap();
    assert_eq!((hints.status, hints.headers.value("link")), (103, Some("</a.css>; rel=preload")));
    let response = client.read_response().await.unwrap();
    assert_eq!((response.status(), response.end), (200, BodyEnd::Complete));
    client.send("GET /-/up?bytes=10 HTTP/1.0\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(client.read_response().await.unwrap().status(), 200, "HTTP/1.0 knows no interim responses");
}

#[tokio::test]
async fn events_arrive_one_by_one_over_http2() {
    let (gateway, _upstream) = in_front_of_h2(H2Behaviour::Tick).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    assert_eq!(client.read_head().await.unwrap().status, 200);
    for _ in 0..10 {
        // Held back, several events would come in one part.
        assert_eq!(client.read_part().await.unwrap().unwrap(), b"data: tick\n\n");
    }
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
    for behaviour in [H2Behaviour::Stall, H2Behaviour::Tick] {
        let (gateway, upstream) = in_front_of_h2(behaviour).await;
        let mut staying = gateway.connect().await;
        staying.send_request("GET", "/-/up", &[], b"").await.unwrap();
        eventually(PATIENCE, || upstream.open_streams() == 1).await;
        let quickest = quickest_of(4, || async {
            let mut client = gateway.connect().await;
            client.send_request("GET", "/-/up", &[], b"").await.unwrap();
            eventually(PATIENCE, || upstream.open_streams() == 2).await;
            drop(client);
            eventually(PATIENCE, || upstream.open_streams() == 1).await
        })
        .await;
        assert!(quickest.as_millis() <= 100, "{behaviour:?}: {quickest:?}");
        gateway.logged(|line| line.field("reason") == "client_closed").await;
        assert!(upstream.ledger.open() >= 1, "a connection is shared, so it outlives a stream");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_clients_that_leave_harm_nobody_on_the_same_connection() {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::Echo).await;
    let proxy = Proxy::new("/-/up", &upstream.url());
    let gateway =
        Gateway::builder().trusting(&authority).proxy(proxy).arguments(["--workers", "1"]).start().await;
    let mut clients = JoinSet::new();
    for _ in 0..LEAVING_AT_ONCE {
        let address = gateway.address;
        clients.spawn(async move {
            for _ in 0..CLIENTS_THAT_LEAVE.div_ceil(LEAVING_AT_ONCE) {
                let mut client = RawClient::connect(address).await;
                client.send_request("GET", "/-/up?bytes=200000", &[], b"").await.unwrap();
                // A connection that ended would have taken this stream with it.
                assert_eq!(client.read_head().await.unwrap().status, 200);
            }
        });
    }
    clients.join_all().await;
}

#[tokio::test]
async fn clients_that_do_not_read_hold_up_nobody_on_the_same_connection() {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::Echo).await;
    let proxy = Proxy::new("/-/up", &upstream.url());
    let gateway =
        Gateway::builder().trusting(&authority).proxy(proxy).arguments(["--workers", "1"]).start().await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    let mut stuck = Vec::new();
    for _ in 0..CLIENTS_THAT_DO_NOT_READ {
        let mut client = RawClient::connect_with_buffer(gateway.address, 4096).await;
        client.send_request("GET", "/-/up?bytes=100000000", &[], b"").await.unwrap();
        assert_eq!(client.read_head().await.unwrap().status, 200);
        stuck.push(client);
    }
    // Long enough that the others fill what they can meanwhile.
    let body = within(PATIENCE, gateway.get("/-/up?bytes=20000000&seed=1")).await.body;
    assert_eq!(sha256_hex(&body), Pattern::new(1, 20_000_000).sha256());
    assert_eq!(upstream.ledger.accepted(), 1);
}

/// More than have room in a connection's window of a few MiB.
const CLIENTS_THAT_DO_NOT_READ: usize = 40;
/// More than the errors that h2 forgives a connection.
const CLIENTS_THAT_LEAVE: usize = 4_000;
/// More than the reset streams that h2 remembers by default.
const LEAVING_AT_ONCE: usize = 70;
