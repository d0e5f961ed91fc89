//! Request framing fields in every way they have been obfuscated (rows A1 to A6).

use super::refusal::{assert_nothing_leaked, assert_refused_and_closed};
use crate::setup::in_front_of_echo;

/// Sends `POST /-/up` with those field lines and a body that is chunked, 5 bytes long or absent, as one reads it.
async fn check_all(cases: impl IntoIterator<Item = Vec<u8>>, statuses: &[u16]) {
    let (gateway, upstream) = in_front_of_echo().await;
    for lines in cases {
        let request =
            [b"POST /-/up HTTP/1.1\r\nHost: a\r\n", lines.as_slice(), b"\r\n\r\n0\r\n\r\n"].concat();
        let name = String::from_utf8_lossy(&lines).into_owned();
        assert_refused_and_closed(&gateway, &name, &request, statuses).await;
    }
    assert_nothing_leaked(&gateway, &upstream).await;
}

fn lines<const N: usize>(cases: [&str; N]) -> impl Iterator<Item = Vec<u8>> {
    cases.map(|case| case.as_bytes().to_vec()).into_iter()
}

#[tokio::test]
async fn a1_content_length_beside_transfer_encoding_is_refused() {
    let cases = lines([
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "content-length: 0\r\ntransfer-encoding: CHUNKED",
        "Transfer-Encoding: chunked\r\nX-A: 1\r\nContent-Length: 0",
        "Transfer-Encoding: identity\r\nContent-Length: 5",
        "Transfer-Encoding:\r\nContent-Length: 5",
    ]);
    check_all(cases, &[400, 501]).await;
}

#[tokio::test]
async fn a2_a_transfer_encoding_other_than_chunked_is_refused() {
    let values = [
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, identity",
        "chunked, chunked",
        ",chunked",
        "chunked,",
        "\"chunked\"",
        "'chunked'",
        "xchunked",
        "chunkedx",
        "chunk",
        "chunked;q=1",
        "chunked chunked",
        "=?UTF-8?B?Y2h1bmtlZA==?=",
        "",
        "cow",
        "chunke\u{fe64}",
    ];
    check_all(
        values.into_iter().map(|value| format!("Transfer-Encoding: {value}").into_bytes()),
        &[400, 501],
    )
    .await;
}

#[tokio::test]
async fn a2_junk_bytes_around_chunked_are_refused() {
    let junk = (0x00..=0x1f_u8).filter(|byte| !b"\t\r\n".contains(byte)).chain([0x7f, 0x85, 0xa0, 0xff]);
    let cases = junk.flat_map(|byte| {
        let name = b"Transfer-Encoding: ".as_slice();
        [[name, &[byte], b"chunked"].concat(), [name, b"chunked", &[byte]].concat()]
    });
    check_all(cases, &[400, 501]).await;
}

#[tokio::test]
async fn a2_junk_bytes_around_the_field_name_are_refused() {
    let junk = (0x00..=0x20_u8)
        .filter(|byte| !b"\r\n".contains(byte))
        .chain([0x7f, 0x85, 0xa0, 0xff, b'"', b'(', b',']);
    let cases = junk.flat_map(|byte| {
        let name = b"Transfer-Encoding".as_slice();
        [[&[byte], name, b": chunked"].concat(), [name, &[byte], b": chunked"].concat()]
    });
    check_all(cases, &[400]).await;
}

#[tokio::test]
async fn a3_a_second_or_folded_transfer_encoding_is_refused() {
    let cases = lines([
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: chunked\r\n\tidentity",
        "X-A: b\r\n Transfer-Encoding: chunked",
        "Transfer-Encoding: gzip\r\nX-A: 1\r\ntransfer-encoding: chunked",
    ]);
    check_all(cases, &[400, 501]).await;
}

#[tokio::test]
async fn a4_framing_that_http_1_0_does_not_have_is_refused() {
    let (gateway, upstream) = in_front_of_echo().await;
    for request in [
        "POST /-/up HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /-/up HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        assert_refused_and_closed(&gateway, request, request.as_bytes(), &[400]).await;
    }
    assert_nothing_leaked(&gateway, &upstream).await;
}

#[tokio::test]
async fn a5_a_content_length_that_is_no_number_is_refused() {
    let values = [
        "+5",
        "-5",
        "-0",
        "0x5",
        "5_0",
        "5.0",
        "5e0",
        "\"5\"",
        "5;5",
        "5,",
        ",5",
        "",
        " ",
        "0 5",
        "5 5",
        "5 \t 5",
        "99999999999999999999",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551621",
        "\u{0665}",
        "\u{ff15}",
        "five",
        "5\u{0}",
    ];
    check_all(values.into_iter().map(|value| format!("Content-Length: {value}").into_bytes()), &[400, 413])
        .await;
}

#[tokio::test]
async fn a6_more_than_one_content_length_is_refused() {
    let cases = lines([
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\ncontent-length: 6",
        "Content-Length: 5, 5",
        "Content-Length: 5, 6",
        "Content-Length: 5\r\nContent-Length:",
    ]);
    check_all(cases, &[400]).await;
}

#[tokio::test]
async fn a18_underscores_that_alias_framing_are_refused() {
    let cases = lines(["Content_Length: 5", "Transfer_Encoding: chunked", "transfer_encoding: chunked"]);
    check_all(cases, &[400]).await;
}
