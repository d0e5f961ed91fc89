//! Every byte leaves when it arrives, both ways, within bounded memory (contract §3.2, 005-EC5, 005-FR-011).

use std::time::{Duration, Instant};

use gate_testkit::{
    BodyEnd, ByHand, Echo, Gateway, Informational, PATIENCE, Proxy, RawClient, SseStream, SseUpstream,
    Upstream, eventually, within,
};

use crate::setup::in_front_of;

/// How much two kernels and the gateway may hold of a stream that nobody reads: socket buffers grow to some MiB.
const IN_FLIGHT_BYTES_MAX: u64 = 24 * 1024 * 1024;

/// A client and an upstream with a stream open between them.
async fn open_stream(
    upstream: &mut SseUpstream,
    adapt: impl FnOnce(Proxy) -> Proxy,
) -> (Gateway, RawClient, SseStream) {
    let gateway = Gateway::start([adapt(Proxy::new("/-/up", &upstream.url()))]).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &["Accept: text/event-stream"], b"").await.unwrap();
    let stream = upstream.open_stream().await;
    assert_eq!(client.read_head().await.unwrap().status, 200);
    (gateway, client, stream)
}

/// Writes one event and waits until exactly that event has arrived.
async fn pass_event(client: &mut RawClient, stream: &mut SseStream, text: &str) {
    stream.send_event(text).await.unwrap();
    let part = client.read_part().await.unwrap().expect("the stream goes on");
    assert_eq!(String::from_utf8_lossy(&part), format!("data: {text}\n\n"));
}

#[tokio::test]
async fn r005_ec5_r019_us2_ac2_event_k_arrives_before_the_upstream_writes_event_k_plus_1() {
    let mut upstream = SseUpstream::start().await;
    let (_gateway, mut client, mut stream) = open_stream(&mut upstream, |proxy| proxy).await;
    for number in 0..200 {
        pass_event(&mut client, &mut stream, &number.to_string()).await;
    }
    stream.end().await.unwrap();
    assert_eq!(client.read_body().await.unwrap(), (Vec::new(), BodyEnd::Complete));
}

#[tokio::test]
async fn r019_fr_007_single_bytes_are_not_held_back() {
    let mut upstream = ByHand::start().await;
    for head in ["", "Content-Length: 100\r\n"] {
        let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
        let mut client = gateway.connect().await;
        client.send_request("GET", "/-/up", &[], b"").await.unwrap();
        let mut peer = upstream.accept_request().await;
        peer.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n")).await.unwrap();
        assert_eq!(client.read_head().await.unwrap().status, 200, "the head leaves before the body");
        for byte in b"\xe2\x82\xac\n\n" {
            peer.send([*byte]).await.unwrap();
            assert_eq!(client.read_part().await.unwrap().unwrap(), [*byte]);
        }
    }
}

#[tokio::test]
async fn uploads_are_not_held_back() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut client = gateway.connect().await;
    client.send("POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n").await.unwrap();
    let mut peer = upstream.accept().await;
    within(PATIENCE, peer.read_head()).await.unwrap().expect("the head leaves before the body");
    for _ in 0..10 {
        client.send("drip!").await.unwrap();
        assert_eq!(within(PATIENCE, peer.read_bytes(5)).await.unwrap(), b"drip!");
    }
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    assert_eq!(client.read_response().await.unwrap().status(), 200);
}

#[tokio::test]
async fn h17_r005_fr_011_a_stream_outlives_timeout() {
    let mut upstream = SseUpstream::start().await;
    let (_gateway, mut client, mut stream) = open_stream(&mut upstream, |proxy| proxy.timeout(1)).await;
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(3) {
        pass_event(&mut client, &mut stream, "still here").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stream.end().await.unwrap();
    assert_eq!(client.read_body().await.unwrap().1, BodyEnd::Complete);
}

#[tokio::test]
async fn informational_responses_are_relayed_in_order() {
    let hints =
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nLink: </b.js>\r\n\r\n";
    let (gateway, _upstream) = in_front_of(Informational(hints)).await;
    let mut client = gateway.connect().await;
    for _ in 0..2 {
        let response = client.get("/-/up").await;
        let statuses: Vec<_> = response.informational.iter().map(|head| head.status).collect();
        assert_eq!((statuses.as_slice(), response.text().as_str()), ([102, 103].as_slice(), "ok"));
        assert_eq!(response.informational[1].headers.values("link"), ["</a.css>", "</b.js>"]);
    }
}

#[tokio::test]
async fn an_early_hint_arrives_before_the_final_response_is_written() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    peer.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n").await.unwrap();
    assert_eq!(client.read_head().await.unwrap().status, 103);
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    assert_eq!(client.read_response().await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_upstream_is_paused_when_its_client_does_not_read() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    let before = gateway.rss_bytes();
    peer.send("HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let (mut sent, block) = (0, vec![0; 65_536]);
    while tokio::time::timeout(Duration::from_millis(500), peer.send(&block)).await.is_ok() {
        sent += 65_536;
        assert!(sent < IN_FLIGHT_BYTES_MAX, "nobody reads, and {sent} bytes were taken");
    }
    let grown = gateway.rss_bytes().saturating_sub(before);
    assert!(grown < 4 * 1024 * 1024, "{grown} bytes are kept for a client that does not read");
    assert_eq!(client.read_head().await.unwrap().status, 200);
    assert!(client.read_part().await.unwrap().is_some());
}

#[tokio::test]
async fn a_client_is_paused_when_the_upstream_does_not_read() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut client = gateway.connect().await;
    client.send("POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n").await.unwrap();
    let _peer = upstream.accept().await;
    let before = gateway.rss_bytes();
    let (mut sent, block) = (0, vec![0; 65_536]);
    while tokio::time::timeout(Duration::from_millis(500), client.send(&block)).await.is_ok() {
        sent += 65_536;
        assert!(sent < IN_FLIGHT_BYTES_MAX, "nobody reads, and {sent} bytes were taken");
    }
    let grown = gateway.rss_bytes().saturating_sub(before);
    assert!(grown < 4 * 1024 * 1024, "{grown} bytes are kept for an upstream that does not read");
}

#[tokio::test]
async fn many_streams_flow_side_by_side() {
    let mut upstream = SseUpstream::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        let mut client = gateway.connect().await;
        client.send_request("GET", "/-/up", &[], b"").await.unwrap();
        let stream = upstream.open_stream().await;
        client.read_head().await.unwrap();
        streams.push((client, stream));
    }
    for round in 0..5 {
        for (client, stream) in &mut streams {
            pass_event(client, stream, &format!("round {round}")).await;
        }
    }
    drop(streams);
    eventually(PATIENCE, || upstream.connections.upstream.ledger.open() == 0).await;
}

#[tokio::test]
async fn a_slow_reader_does_not_slow_others() {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut stalled = Vec::new();
    for _ in 0..10 {
        let mut client = gateway.connect().await;
        client.send_request("GET", "/-/up?bytes=100000000", &[], b"").await.unwrap();
        client.read_head().await.unwrap();
        stalled.push(client);
    }
    for _ in 0..20 {
        let started = Instant::now();
        assert_eq!(gateway.get("/-/up").await.status(), 200);
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
}
