//! Where messages begin and end on both sides (RFC 9112 section 6).

use gate_testkit::{Answer, BodyEnd, Informational, OneByte, Pattern, RawClient, sha256_hex};

use crate::setup::{in_front_of, in_front_of_echo};

/// Body sizes around every buffer and limit on the way.
const SIZES: [u64; 9] = [0, 1, 100, 4_095, 32_767, 32_768, 65_537, 1_000_000, 10_000_000];

/// Sends a POST with a chunked body in chunks of odd sizes.
async fn send_chunked(client: &mut RawClient, target: &str, body: &[u8]) {
    let head = format!("POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(head).await.unwrap();
    for chunk in body.chunks(9_973) {
        let size = format!("{:X}\r\n", chunk.len());
        client.send([size.as_bytes(), chunk, b"\r\n"].concat()).await.unwrap();
    }
    client.send("0\r\n\r\n").await.unwrap();
}

#[tokio::test]
async fn h16_r019_us2_ac3_posts_of_every_size_pass_with_content_length() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    for size in SIZES {
        let body = Pattern::new(size, size).to_vec();
        let response = client.request("POST", "/-/up", &[], &body).await;
        assert_eq!(response.json()["sha256"], sha256_hex(&body), "{size} bytes");
    }
    assert!(
        upstream.ledger.requests().iter().skip(1).all(|request| request.head.headers.has("content-length"))
    );
}

#[tokio::test]
async fn r019_us2_ac3_posts_of_every_size_pass_chunked() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    for size in SIZES {
        let body = Pattern::new(size, size).to_vec();
        send_chunked(&mut client, "/-/up", &body).await;
        assert_eq!(client.read_response().await.unwrap().json()["sha256"], sha256_hex(&body), "{size} bytes");
    }
    let chunked = |request: &gate_testkit::ReceivedRequest| {
        request.head.headers.value("transfer-encoding") == Some("chunked")
    };
    assert!(upstream.ledger.requests().iter().all(chunked));
}

/// What the API takes of a body, 32 MiB, is no limit of what is forwarded.
#[tokio::test]
async fn h18_a_body_larger_than_those_of_the_api_passes() {
    const SIZE: u64 = 33 * 1024 * 1024;
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let body = Pattern::new(SIZE, SIZE).to_vec();
    let response = client.request("POST", "/-/up", &[], &body).await;
    assert_eq!(response.json()["sha256"], sha256_hex(&body));
    let response = client.get(&format!("/-/up?bytes={SIZE}&seed={SIZE}")).await;
    assert_eq!(sha256_hex(&response.body), Pattern::new(SIZE, SIZE).sha256());
}

#[tokio::test]
async fn responses_of_every_size_pass_in_every_framing() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    for framing in ["length", "chunked", "close"] {
        for size in SIZES {
            let response = client.get(&format!("/-/up?bytes={size}&seed={size}&framing={framing}")).await;
            assert_eq!(response.end, BodyEnd::Complete, "{size} bytes, {framing}");
            assert_eq!(
                sha256_hex(&response.body),
                Pattern::new(size, size).sha256(),
                "{size} bytes, {framing}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_without_length_keeps_the_clients_connection_usable() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let response = client.get("/-/up?bytes=1000&framing=close").await;
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    assert_eq!(client.get("/-/up").await.status(), 200);
}

#[tokio::test]
async fn a_chunked_response_stays_chunked_and_one_with_length_keeps_it() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    assert_eq!(
        client.get("/-/up?bytes=9&framing=chunked").await.header("transfer-encoding"),
        Some("chunked")
    );
    assert_eq!(client.get("/-/up?bytes=9&framing=length").await.header("content-length"), Some("9"));
}

#[tokio::test]
async fn head_keeps_the_length_and_has_no_body() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    for framing in ["length", "chunked"] {
        let target = format!("/-/up?bytes=1234&framing={framing}");
        let response = client.request("HEAD", &target, &[], b"").await;
        assert_eq!((response.status(), response.body.len()), (200, 0), "{framing}");
    }
    assert_eq!(
        client.request("HEAD", "/-/up?bytes=1234", &[], b"").await.header("content-length"),
        Some("1234")
    );
    assert_eq!(client.get("/-/up").await.status(), 200, "the connection is in step");
}

#[tokio::test]
async fn answers_without_a_body_keep_the_connection_in_step() {
    for (answer, status) in [
        ("HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", 204),
        ("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", 304),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200),
    ] {
        let (gateway, upstream) = in_front_of(Answer::then_keep_open(answer)).await;
        let mut client = gateway.connect().await;
        for _ in 0..3 {
            let response = client.get("/-/up").await;
            assert_eq!((response.status(), response.body.len()), (status, 0), "{answer}");
        }
        assert_eq!(upstream.ledger.accepted(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_get_with_a_body_keeps_it() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    for method in ["GET", "DELETE", "OPTIONS"] {
        let json = client.request(method, "/-/up", &[], b"body").await.json();
        assert_eq!(json["body_length"], 4, "{method}");
    }
    assert_eq!(upstream.ledger.request_count(), 3);
}

#[tokio::test]
async fn a_post_without_framing_has_no_body() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    assert_eq!(client.request("POST", "/-/up", &[], b"").await.json()["body_length"], 0);
    assert_eq!(client.get("/-/up").await.status(), 200);
}

#[tokio::test]
async fn an_odd_but_legal_length_is_sent_on_in_its_usual_form() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    client.send("POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\nhello").await.unwrap();
    assert_eq!(client.read_response().await.unwrap().status(), 200);
    assert_eq!(upstream.ledger.only_request().head.headers.values("content-length"), ["5"]);
}

#[tokio::test]
async fn chunk_extensions_are_read_and_not_sent_on() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let head = "POST /-/up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(format!("{head}5;name=canary;q=\"a;b\"\r\nhello\r\n0;last=canary\r\n\r\n")).await.unwrap();
    assert_eq!(client.read_response().await.unwrap().json()["sha256"], sha256_hex(b"hello"));
    let plain_bytes = "5\r\nhello\r\n0\r\n\r\n".len() as u64;
    let head_bytes: usize = upstream
        .ledger
        .only_request()
        .head
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4)
        .sum();
    let request_line = "POST / HTTP/1.1\r\n\r\n".len();
    assert_eq!(upstream.ledger.bytes_received(), plain_bytes + (head_bytes + request_line) as u64);
}

#[tokio::test]
async fn request_trailers_reach_the_upstream() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let head = "POST /-/up HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n";
    let trailers = "X-Sum: 9\r\nContent-Length: 7\r\nHost: evil.example\r\nTransfer-Encoding: chunked\r\n";
    client.send(format!("{head}2\r\nok\r\n0\r\n{trailers}\r\n")).await.unwrap();
    let response = client.read_response().await.unwrap();
    assert!([200, 400].contains(&response.status()));
    for request in upstream.ledger.requests() {
        let trailers = request.body.map(|body| body.trailers).unwrap_or_default();
        for forbidden in ["content-length", "host", "transfer-encoding"] {
            assert!(!trailers.has(forbidden), "{trailers:?}");
        }
    }
    client = gateway.connect().await;
    client.send(format!("{head}2\r\nok\r\n0\r\nX-Sum: 9\r\n\r\n")).await.unwrap();
    assert_eq!(client.read_response().await.unwrap().status(), 200);
    assert_eq!(upstream.ledger.last_request().body.unwrap().trailers.value("x-sum"), Some("9"));
}

#[tokio::test]
async fn response_trailers_reach_a_client_that_accepts_them() {
    let answer = "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 9\r\n\r\n";
    let (gateway, _upstream) = in_front_of(Answer::then_keep_open(answer)).await;
    let mut client = gateway.connect().await;
    let response = client.request("GET", "/-/up", &["TE: trailers", "Connection: TE"], b"").await;
    assert_eq!((response.text().as_str(), response.trailers.value("x-sum")), ("ok", Some("9")));
    assert_eq!(client.get("/-/up").await.end, BodyEnd::Complete);
}

#[tokio::test]
async fn an_upstream_that_sends_single_bytes_changes_nothing() {
    let answer = "HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n5;e=1\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    let (gateway, upstream) = in_front_of(OneByte(answer)).await;
    let mut client = gateway.connect().await;
    for _ in 0..3 {
        let response = client.get("/-/up").await;
        assert_eq!((response.text().as_str(), response.end), ("hello world", BodyEnd::Complete));
    }
    assert_eq!(upstream.ledger.accepted(), 1);
}

#[tokio::test]
async fn a_client_that_sends_single_bytes_changes_nothing() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let chunked =
        "POST /-/up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;e=1\r\nhello\r\n0\r\n\r\n";
    let with_length = "POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    for request in [chunked, with_length, chunked] {
        client.send_byte_by_byte(request).await.unwrap();
        assert_eq!(client.read_response().await.unwrap().json()["sha256"], sha256_hex(b"hello"));
    }
    assert_eq!((upstream.ledger.complete_count(), upstream.ledger.accepted()), (3, 1));
}

#[tokio::test]
async fn an_http_1_0_client_gets_what_it_understands() {
    let (gateway, _upstream) = in_front_of_echo().await;
    for framing in ["length", "chunked", "close"] {
        let mut client = gateway.connect().await;
        client
            .send(format!("GET /-/up?bytes=5000&framing={framing} HTTP/1.0\r\nHost: a\r\n\r\n"))
            .await
            .unwrap();
        let response = client.read_response().await.unwrap();
        assert!(!response.head.headers.has("transfer-encoding"), "{response:?}");
        assert_eq!(sha256_hex(&response.body), Pattern::new(0, 5000).sha256(), "{framing}");
        client.expect_closed().await;
    }
}

#[tokio::test]
async fn an_http_1_0_client_gets_no_informational_response() {
    let (gateway, _upstream) =
        in_front_of(Informational("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")).await;
    let mut client = gateway.connect().await;
    client.send("GET /-/up HTTP/1.0\r\nHost: a\r\n\r\n").await.unwrap();
    let response = client.read_response().await.unwrap();
    assert_eq!((response.informational.len(), response.status()), (0, 200));
}
