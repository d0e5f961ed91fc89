//! Chunked request bodies that end where one reader sees an end and another does not (rows A9 to A12).
//!
//! Such a body is found out while it streams, so the upstream may have seen its beginning. What it must
//! never see is a complete request, or the request hidden behind the bad bytes.

use gate_testkit::{PATIENCE, eventually};

use super::refusal::assert_refused_and_closed;
use crate::setup::in_front_of_echo;

async fn check_bodies<Body: AsRef<[u8]>>(bodies: impl IntoIterator<Item = Body>, statuses: &[u16]) {
    let (gateway, upstream) = in_front_of_echo().await;
    for body in bodies {
        let head = b"POST /-/up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice();
        let name: String = String::from_utf8_lossy(body.as_ref()).chars().take(80).collect();
        assert_refused_and_closed(&gateway, &name, &[head, body.as_ref()].concat(), statuses).await;
        eventually(PATIENCE, || upstream.ledger.open() == 0).await;
        assert_eq!(upstream.ledger.complete_count(), 0, "{name} looks complete upstream");
    }
    let targets: Vec<_> = upstream.ledger.requests().into_iter().map(|request| request.head.target).collect();
    assert!(targets.iter().all(|target| target == "/"), "{targets:?}");
    assert_eq!(gateway.get("/-/up").await.status(), 200);
}

#[tokio::test]
async fn a9_chunk_sizes_that_are_no_number_abort_the_request() {
    check_bodies(
        [
            "\r\nhello\r\n0\r\n\r\n",
            " \r\n0\r\n\r\n",
            " 5\r\nhello\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            "5\t\r\nhello\r\n0\r\n\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            "-5\r\nhello\r\n0\r\n\r\n",
            "5_0\r\nhello\r\n0\r\n\r\n",
            "5.0\r\nhello\r\n0\r\n\r\n",
            "g\r\nhello\r\n0\r\n\r\n",
            ";ext\r\n\r\n",
            "5 ;ext\r\nhello\r\n0\r\n\r\n",
            "\"5\"\r\nhello\r\n0\r\n\r\n",
            "00000000000000005\r\nhello\r\n0\r\n\r\n",
            "ffffffffffffffff\r\nhello",
            "fffffffffffffffff\r\nhello",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
            "8000000000000000\r\nhello",
        ],
        &[400, 413],
    )
    .await;
}

#[tokio::test]
async fn a10_bad_bytes_in_a_chunk_extension_abort_the_request() {
    check_bodies(
        [
            b"5;a\nb\r\nhello\r\n0\r\n\r\n".as_slice(),
            b"5;a\rb\r\nhello\r\n0\r\n\r\n",
            b"5;a\x00\r\nhello\r\n0\r\n\r\n",
            b"5;a=\"b\r\nhello\r\n0\r\n\r\n",
            b"5\nhello\r\n0\r\n\r\n",
            b"5;\nhello\r\n0\r\n\r\n",
            b"0;\n\r\n",
        ],
        &[400],
    )
    .await;
}

#[tokio::test]
async fn a10_endless_chunk_extensions_abort_the_request() {
    let line = format!("1;a={}\r\nx\r\n", "b".repeat(250));
    let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(300));
    check_bodies([long, line.repeat(100)], &[400, 413]).await;
}

#[tokio::test]
async fn a11_chunks_that_do_not_end_in_crlf_abort_the_request() {
    check_bodies(
        [
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello\r\r\n0\r\n\r\n",
            "5\r\nhelloxx0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "5\r\nhello world\r\n0\r\n\r\n",
            "5\r\nhello\r\n\r\n0\r\n\r\n",
            "5\r\nhello\r\n0\n\r\n",
            "0\r\n\n",
            "0\r\n\rx",
        ],
        &[400],
    )
    .await;
}

#[tokio::test]
async fn a12_bad_trailers_abort_the_request() {
    check_bodies(
        [
            "0\r\nX: a\n\r\n".to_owned(),
            "0\r\nX : a\r\n\r\n".to_owned(),
            "0\r\nno colon\r\n\r\n".to_owned(),
            "0\r\nX: a\r\n b\r\n\r\n".to_owned(),
            "0\r\nX: a\u{0}b\r\n\r\n".to_owned(),
            format!("0\r\nX: {}\r\n\r\n", "a".repeat(20_000)),
            format!("0\r\n{}\r\n", "X: a\r\n".repeat(200)),
        ],
        &[400, 431],
    )
    .await;
}

#[tokio::test]
async fn a_body_cut_by_the_client_never_looks_complete_upstream() {
    let (gateway, upstream) = in_front_of_echo().await;
    for request in [
        "POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello",
        "POST /-/up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "POST /-/up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "POST /-/up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n",
    ] {
        let mut client = gateway.connect().await;
        client.send(request).await.unwrap();
        client.half_close().await.unwrap();
        let (answer, _end) = client.read_to_end().await;
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        eventually(PATIENCE, || upstream.ledger.open() == 0).await;
        assert_eq!(upstream.ledger.complete_count(), 0, "{request}");
    }
}
