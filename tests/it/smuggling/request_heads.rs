//! Request heads that are not HTTP/1.1, or not one thing to everybody (rows A13 to A31).

use super::refusal::{assert_nothing_leaked, assert_refused_and_closed, assert_refused_or_closed};
use crate::setup::{assert_refused, in_front_of_echo};

async fn check_requests<Case: AsRef<[u8]>>(cases: impl IntoIterator<Item = Case>, statuses: &[u16]) {
    let (gateway, upstream) = in_front_of_echo().await;
    for case in cases {
        let name = String::from_utf8_lossy(case.as_ref()).into_owned();
        assert_refused_and_closed(&gateway, &name, case.as_ref(), statuses).await;
    }
    assert_nothing_leaked(&gateway, &upstream).await;
}

/// Heads of `GET /-/up` with one more piece behind the Host line, CRLFs included.
fn with_fields<const N: usize>(pieces: [&'static [u8]; N]) -> impl Iterator<Item = Vec<u8>> {
    pieces.into_iter().map(|piece| [b"GET /-/up HTTP/1.1\r\nHost: a\r\n", piece, b"\r\n"].concat())
}

#[tokio::test]
async fn a13_bare_line_feeds_are_refused() {
    check_requests(
        [
            "GET /-/up HTTP/1.1\nHost: a\r\n\r\n",
            "GET /-/up HTTP/1.1\r\nHost: a\n\r\n",
            "GET /-/up HTTP/1.1\r\nHost: a\r\n\n",
            "GET /-/up HTTP/1.1\nHost: a\n\n",
            "GET /-/up HTTP/1.1\r\nHost: a\r\nX: b\nTransfer-Encoding: chunked\r\n\r\n",
        ],
        &[400],
    )
    .await;
}

#[tokio::test]
async fn a14_bare_carriage_returns_are_refused() {
    check_requests(
        [
            "GET /-/up HTTP/1.1\rHost: a\r\n\r\n",
            "GET /-/up HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
            "GET /-/up HTTP/1.1\r\nHost: a\r\n\rZ: 1\r\n\r\n",
            "GET /-/up HTTP/1.1\r\r\nHost: a\r\n\r\n",
            "GET /-/up HTTP/1.1\r\nHost: a\r\nX: b\r\r\n\r\n",
        ],
        &[400],
    )
    .await;
}

#[tokio::test]
async fn a15_control_characters_in_a_value_are_refused() {
    let controls = (0..=0x1f_u8).filter(|byte| !b"\t\r\n".contains(byte)).chain([0x7f]);
    check_requests(
        controls.map(|byte| {
            [b"GET /-/up HTTP/1.1\r\nHost: a\r\nX: a".as_slice(), &[byte], b"b\r\n\r\n"].concat()
        }),
        &[400],
    )
    .await;
}

#[tokio::test]
async fn a16_a17_malformed_field_lines_are_refused() {
    check_requests(
        with_fields([
            b"X: a\r\n b\r\n",
            b"X: a\r\n\tb\r\n",
            b"X : a\r\n",
            b"X\t: a\r\n",
            b": a\r\n",
            b"no colon\r\n",
            b"X Y: a\r\n",
            b"X(Y): a\r\n",
            b"X\xe9: a\r\n",
            b"X\x00: a\r\n",
            b"\"X\": a\r\n",
        ]),
        &[400],
    )
    .await;
    check_requests(
        ["GET /-/up HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", "GET /-/up HTTP/1.1\r\n\tHost: a\r\n\r\n"],
        &[400],
    )
    .await;
}

#[tokio::test]
async fn a19_malformed_request_lines_are_refused() {
    let lines = [
        "GET  /-/up HTTP/1.1",
        "GET /-/up  HTTP/1.1",
        "GET\t/-/up HTTP/1.1",
        "GET /-/up\tHTTP/1.1",
        "GET\u{b}/-/up HTTP/1.1",
        "GET /-/up\u{c}HTTP/1.1",
        "GET /-/up HTTP/1.1 ",
        " GET /-/up HTTP/1.1",
        "GET /-/up http/1.1",
        "GET /-/up HTTP/1.10",
        "GET /-/up HTTP/1",
        "GET /-/up HTTP/11",
        "GET /-/up HTTP/1.x",
        "GET /-/up HTTP/4294967297.1",
        "GET /-/up HTTP/ 1.1",
        "GET /-/up HTTP/1 .1",
        "GET /-/up ICY/1.1",
        "GET /-/up",
        "GET",
        "GET /-/up /x HTTP/1.1",
        "/-/up HTTP/1.1",
        "GET HTTP/1.1",
    ];
    check_requests(lines.map(|line| format!("{line}\r\nHost: a\r\n\r\n")), &[400, 505]).await;
}

#[tokio::test]
async fn a19_other_versions_are_refused() {
    let versions = ["HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "HTTP/0.9"];
    check_requests(versions.map(|version| format!("GET /-/up {version}\r\nHost: a\r\n\r\n")), &[400, 505])
        .await;
}

#[tokio::test]
async fn a20_methods_that_are_no_token_or_endless_are_refused() {
    let methods =
        ["GE(T".to_owned(), "GE\"T".to_owned(), "G\u{e9}T".to_owned(), "X".repeat(33), "GET\u{0}".to_owned()];
    check_requests(methods.map(|method| format!("{method} /-/up HTTP/1.1\r\nHost: a\r\n\r\n")), &[400, 501])
        .await;
}

#[tokio::test]
async fn a21_targets_that_are_none_are_refused() {
    let targets: [&[u8]; 20] = [
        b"/-/up\x01",
        b"/-/up\x7f",
        b"/-/up\"",
        b"/-/up<",
        b"/-/up>",
        b"/-/up\\",
        b"/-/up^",
        b"/-/up{",
        b"/-/up}",
        b"/-/up|",
        b"/-/up`",
        b"/-/up\xe9",
        b"/-/up#x",
        b"-/up",
        b"@a/-/up",
        b".a/-/up",
        b"*",
        b"a:80",
        b"?x",
        b"//a\\/-/up",
    ];
    check_requests(
        targets.map(|target| [b"GET ".as_slice(), target, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat()),
        &[400],
    )
    .await;
}

#[tokio::test]
async fn a22_an_absolute_target_that_contradicts_host_is_refused() {
    check_requests(
        [
            "GET http://b/-/up HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http://a@b/-/up HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http:///-/up HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET ftp://a/-/up HTTP/1.1\r\nHost: a\r\n\r\n",
        ],
        &[400],
    )
    .await;
}

#[tokio::test]
async fn a23_a_host_that_is_none_is_refused() {
    let values = [
        "", "a,b", "a b", "a@b", "a/b", "a:0", "a:65536", "a:x", "[::1", "::1", "[::g]", "a?b", "a#b",
        "a\\b", "<a>",
    ];
    check_requests(values.map(|value| format!("GET /-/up HTTP/1.1\r\nHost: {value}\r\n\r\n")), &[400]).await;
    check_requests(
        [
            "GET /-/up HTTP/1.1\r\n\r\n",
            "GET /-/up HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET /-/up HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
        ],
        &[400],
    )
    .await;
}

#[tokio::test]
async fn a30_tunnels_are_refused() {
    check_requests(
        ["CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "CONNECT /-/up HTTP/1.1\r\nHost: a\r\n\r\n"],
        &[405, 400],
    )
    .await;
}

#[tokio::test]
async fn a30_trace_is_405() {
    let (gateway, upstream) = in_front_of_echo().await;
    let response = gateway.connect().await.request("TRACE", "/-/up", &["Cookie: a=b"], b"").await;
    assert_refused(&response, 405, "method_not_allowed");
    assert_nothing_leaked(&gateway, &upstream).await;
}

#[tokio::test]
async fn a31_other_protocols_are_refused() {
    let (gateway, upstream) = in_front_of_echo().await;
    let protocols: [(&str, &[u8]); 7] = [
        ("empty lines", b"\r\n\r\n\r\n\r\nGET /-/up HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
        ("PROXY v1", b"PROXY TCP4 203.0.113.7 127.0.0.1 1 80\r\n"),
        ("PROXY v2", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c"),
        ("zeroes", &[0; 64]),
    ];
    for (name, bytes) in protocols {
        assert_refused_or_closed(&gateway, name, bytes, &[400, 405, 501, 505]).await;
    }
    assert_nothing_leaked(&gateway, &upstream).await;
}
