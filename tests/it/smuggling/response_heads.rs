//! Response heads that are not HTTP/1.1: 502, and the connection is never used again (rows C4 to C7).

use gate_testkit::{Answer, BodyEnd, PATIENCE, eventually};

use crate::setup::{assert_refused, in_front_of};

/// The answers must all be refused as `upstream_protocol`, each connection used once.
async fn check_refused<Bytes: Into<Vec<u8>>>(answers: impl IntoIterator<Item = Bytes>) {
    for answer in answers {
        let answer = answer.into();
        let name = String::from_utf8_lossy(&answer[..answer.len().min(120)]).into_owned();
        let (gateway, upstream) = in_front_of(Answer::then_keep_open(answer)).await;
        for round in 1..=2 {
            let response = gateway.connect().await.request("POST", "/-/up", &[], b"x").await;
            assert_eq!(response.gateway_reason(), "upstream_protocol", "{name}: {response:?}");
            assert_refused(&response, 502, "upstream_protocol");
            assert_eq!(upstream.ledger.accepted(), round, "{name}: a bad connection was used again");
        }
        eventually(PATIENCE, || upstream.ledger.open() == 0).await;
    }
}

#[tokio::test]
async fn c4_contradictory_framing_is_refused() {
    check_refused([
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ])
    .await;
}

#[tokio::test]
async fn c5_what_is_no_status_line_is_refused() {
    check_refused([
        "HTTP/1.1 000 OK\r\n\r\n",
        "HTTP/1.1 99 OK\r\n\r\n",
        "HTTP/1.1 1000 OK\r\n\r\n",
        "HTTP/1.1 20O OK\r\n\r\n",
        "HTTP/1.1 -20 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1\t200 OK\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "200 OK\r\n\r\n",
        "<html>Not HTTP at all</html>\r\n\r\n",
        "\u{0}\u{0}\u{0}\u{0}\r\n\r\n",
    ])
    .await;
}

#[tokio::test]
async fn c5_r020_ec4_garbage_is_refused_and_logged() {
    let (gateway, _upstream) =
        in_front_of(Answer::then_keep_open([0x16, 0x03, 0x01, 0x00, 0xff].repeat(20))).await;
    assert_refused(&gateway.get("/-/up").await, 502, "upstream_protocol");
    gateway.logged(|line| line.field("reason") == "upstream_protocol").await;
}

#[tokio::test]
async fn c5_an_endless_head_is_refused() {
    check_refused([
        format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(70 * 1024)),
        format!("HTTP/1.1 200 OK\r\n{}\r\n", format!("X: {}\r\n", "a".repeat(1000)).repeat(70)),
        format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X: a\r\n".repeat(300)),
    ])
    .await;
}

#[tokio::test]
async fn c6_fields_that_could_split_a_response_are_refused() {
    let pieces: [&[u8]; 8] = [
        b"X: a\x00b\r\n",
        b"X: a\rb\r\n",
        b"X: a\x01b\r\n",
        b": a\r\n",
        b"no colon\r\n",
        b"X Y: a\r\n",
        b"X\xe9: a\r\n",
        b"X: a\r\n\rY: b\r\n",
    ];
    check_refused(
        pieces.map(|piece| [b"HTTP/1.1 200 OK\r\n".as_slice(), piece, b"Content-Length: 0\r\n\r\n"].concat()),
    )
    .await;
}

#[tokio::test]
async fn c6_folded_lines_are_refused_or_unfolded() {
    for piece in ["X: a\r\n b\r\n", "X : a\r\n", "X: a\r\n\tSet-Cookie: b\r\n"] {
        let answer = format!("HTTP/1.1 200 OK\r\n{piece}Content-Length: 0\r\n\r\n");
        let (gateway, _upstream) = in_front_of(Answer::then_keep_open(answer)).await;
        // The strict client fails on anything that is passed on as it came.
        let response = gateway.get("/-/up").await;
        assert!([200, 502].contains(&response.status()), "{piece}");
        assert!(!response.head.headers.has("set-cookie"), "{piece}");
    }
}

#[tokio::test]
async fn c7_an_unasked_switch_of_protocols_is_refused() {
    check_refused([
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw",
    ])
    .await;
}

#[tokio::test]
async fn c7_endless_informational_responses_are_refused() {
    check_refused(["HTTP/1.1 103 Early Hints\r\n\r\n".repeat(200)]).await;
}

#[tokio::test]
async fn a_missing_reason_phrase_is_fine() {
    let (gateway, _upstream) =
        in_front_of(Answer::then_keep_open("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok")).await;
    let response = gateway.get("/-/up").await;
    assert_eq!((response.text().as_str(), response.end), ("ok", BodyEnd::Complete));
}
