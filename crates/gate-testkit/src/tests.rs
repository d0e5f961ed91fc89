//! The kit against itself: its clients talk to its upstreams, and each fault shows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;

use crate::*;

async fn client(upstream: &Upstream) -> RawClient {
    RawClient::connect(upstream.address()).await
}

#[tokio::test]
async fn echo_describes_what_the_client_sent() {
    let upstream = Upstream::start(Echo).await;
    let response = client(&upstream).await.request("PUT", "/a?b", &["X-One: 1"], b"hello").await;
    let json = response.json();
    assert_eq!((json["method"].as_str(), json["target"].as_str()), (Some("PUT"), Some("/a?b")));
    assert_eq!(json["sha256"].as_str(), Some(sha256_hex(b"hello").as_str()));
    assert_eq!(json["headers"][2], serde_json::json!(["X-One", "1"]));
    assert_eq!(response.end, BodyEnd::Complete);
}

#[tokio::test]
async fn ledger_counts_connections_requests_and_bytes() {
    let upstream = Upstream::start(Echo).await;
    assert!(upstream.ledger.is_untouched());
    let mut first = client(&upstream).await;
    first.get("/1").await;
    first.get("/2").await;
    client(&upstream).await.get("/3").await;
    assert_eq!((upstream.ledger.accepted(), upstream.ledger.complete_count()), (2, 3));
    let connections: Vec<_> = upstream.ledger.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 0, 1]);
    assert_eq!(
        upstream.ledger.bytes_received(),
        3 * "GET /1 HTTP/1.1\r\nHost: gateway.test\r\n\r\n".len() as u64
    );
    drop(first);
    eventually(PATIENCE, || upstream.ledger.open() == 0).await;
}

#[tokio::test]
async fn echo_reads_chunks_and_trailers_and_answers_in_every_framing() {
    let upstream = Upstream::start(Echo).await;
    let mut client = client(&upstream).await;
    for framing in ["length", "chunked", "close"] {
        let head = format!(
            "POST /?bytes=70000&seed=3&framing={framing} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        client.send(head + "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n").await.unwrap();
        let response = client.read_response().await.unwrap();
        assert_eq!(response.end, BodyEnd::Complete, "{framing}");
        assert_eq!(sha256_hex(&response.body), Pattern::new(3, 70_000).sha256(), "{framing}");
        assert_eq!(response.header("x-body-sha256"), Some(sha256_hex(b"abc").as_str()));
    }
    assert_eq!(upstream.ledger.last_request().body.unwrap().trailers.value("x-sum"), Some("1"));
    client.expect_closed().await;
}

#[tokio::test]
async fn a_truncated_body_never_looks_complete() {
    let cut_short = [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
    ];
    for answer in cut_short {
        let upstream = Upstream::start(Answer::then_close(answer)).await;
        let response = client(&upstream).await.get("/").await;
        assert_eq!((response.end, response.text().as_str()), (BodyEnd::Truncated, "half"), "{answer}");
    }
}

#[tokio::test]
async fn a_reset_is_told_from_an_orderly_end() {
    let upstream = Upstream::start(ResetBeforeHead).await;
    let mut resetting = client(&upstream).await;
    resetting.send("GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(matches!(resetting.read_response().await, Err(ResponseError::Io(_))));
    let upstream = Upstream::start(CloseAfterRequest).await;
    let mut closing = client(&upstream).await;
    closing.send("GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(matches!(closing.read_response().await, Err(ResponseError::Closed)));
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    let mut upstream = SseUpstream::start().await;
    let mut client = RawClient::connect(upstream.connections.upstream.address()).await;
    client.send("GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut stream = upstream.open_stream().await;
    assert_eq!(client.read_head().await.unwrap().status, 200);
    for number in 0..3 {
        stream.send_event(&number.to_string()).await.unwrap();
        assert_eq!(client.read_part().await.unwrap().unwrap(), format!("data: {number}\n\n").as_bytes());
    }
    stream.end().await.unwrap();
    assert_eq!(client.read_part().await.unwrap(), None);
}

#[tokio::test]
async fn an_upstream_notices_a_client_that_leaves() {
    let mut upstream = ByHand::start().await;
    let mut client = RawClient::connect(upstream.upstream.address()).await;
    client.send("GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut peer = upstream.accept_request().await;
    client.reset();
    assert!(peer.until_closed().await.is_err(), "a reset is an error");
}

#[tokio::test]
async fn a_dial_into_the_black_hole_hangs() {
    let hole = Blackhole::start();
    let address: std::net::SocketAddr = hole.url().trim_start_matches("http://").parse().unwrap();
    let dial = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await;
    assert!(dial.is_err(), "{dial:?}");
}

#[tokio::test]
async fn http2_upstream_echoes_over_tls() {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::Echo).await;
    let stream = tls_connection(&authority, upstream.port()).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (send_request, connection) = h2::client::handshake(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = http::Request::post("https://localhost/x?bytes=200000&seed=5").body(()).unwrap();
    let (response, mut body) = send_request.ready().await.unwrap().send_request(request, false).unwrap();
    body.send_data(Bytes::from_static(b"hello"), true).unwrap();
    let response = response.await.unwrap();
    assert_eq!(response.headers()["x-body-sha256"], sha256_hex(b"hello").as_str());
    assert_eq!(read_all(response.into_body()).await, Pattern::new(5, 200_000).to_vec());
    assert_eq!(upstream.ledger.only_request().head.target, "/x?bytes=200000&seed=5");
    driver.abort();
}

async fn tls_connection(authority: &TestAuthority, port: u16) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap()
}

async fn read_all(mut body: h2::RecvStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.data().await {
        let frame = frame.unwrap();
        body.flow_control().release_capacity(frame.len()).unwrap();
        bytes.extend_from_slice(&frame);
    }
    bytes
}
