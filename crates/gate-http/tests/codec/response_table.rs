//! Response heads (rows C3 to C8, C11).

use gate_http::{
    FieldError, FieldName, FramingError, Method, ResponseBody, ResponseError, ResponseHead, Version,
};

use crate::response_harness::{ResponseFacts, accept, accept_answer, refuse_as};

fn response(start: &str, lines: &[&str]) -> Vec<u8> {
    let end = ["", ""];
    [&[start], lines, &end].concat().join("\r\n").into_bytes()
}

fn ok(lines: &[&str]) -> Vec<u8> {
    response("HTTP/1.1 200 OK", lines)
}

#[track_caller]
fn check_body(lines: &[&str], expected: ResponseBody) {
    assert_eq!(accept(ok(lines)).body, expected, "{lines:?}");
}

#[track_caller]
fn check_keep_alive(start: &str, lines: &[&str], expected: bool) {
    assert_eq!(accept(response(start, lines)).keep_alive, expected, "{start} {lines:?}");
}

#[test]
fn a_status_line_is_taken_apart() {
    let facts = accept("HTTP/1.1 404 Not Found\r\n\r\n");
    assert_eq!((facts.version, facts.status, &*facts.reason), (Version::Http11, 404, &b"Not Found"[..]));
    assert_eq!(accept("HTTP/1.0 200 OK\r\n\r\n").version, Version::Http10);
}

#[test]
fn c5_a_missing_reason_is_accepted() {
    for (line, reason) in [
        ("HTTP/1.1 200", &b""[..]),
        ("HTTP/1.1 200 ", b""),
        ("HTTP/1.1 200  two", b" two"),
        ("HTTP/1.1 200 a\tb", b"a\tb"),
        ("HTTP/1.1 200 \u{e9}", "\u{e9}".as_bytes()),
        ("HTTP/1.1 100", b""),
        ("HTTP/1.1 999 x", b"x"),
    ] {
        assert_eq!(accept(response(line, &["Content-Length: 0"])).reason, reason, "{line}");
    }
}

#[test]
fn c5_a_malformed_status_line_is_refused() {
    let lines = [
        "HTTP/1.1 000 x",
        "HTTP/1.1 099 x",
        "HTTP/1.1 99 x",
        "HTTP/1.1 1000 x",
        "HTTP/1.1 20O x",
        "HTTP/1.1 2 x",
        "HTTP/1.1  200 x",
        "HTTP/1.1 -200 x",
        "HTTP/1.1 +20 x",
        "HTTP/1.1 200x",
        "HTTP/1.1 200\tx",
        "HTTP/1.1 200OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.1200 OK",
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.",
        "HTTP/1.2 200 OK",
        "HTTP/1.10 200 OK",
        "HTTP/2 200 OK",
        "HTTP/2.0 200 OK",
        "HTTP/3 200",
        "HTTP/0.9 200 OK",
        "http/1.1 200 OK",
        "ICY 200 OK",
        "XTTP/1.1 200 OK",
        "SIP/2.0 200 OK",
        " HTTP/1.1 200 OK",
        "\tHTTP/1.1 200 OK",
        "200 OK",
        "<html>",
        "garbage",
        "SSH-2.0-x",
        "220 mail ESMTP",
        "-ERR unknown command",
        "HTTP/1.1 200 a\0b",
        "HTTP/1.1 200 a\rb",
        "HTTP/1.1 200 a\u{7f}b",
        "HTTP/1.1 200 \u{1}",
        "HTTP/1.1 0x0 x",
        "HTTP/1.1 2٠0 x",
        "HTTP/1.1 200\0",
        "\u{feff}HTTP/1.1 200 OK",
    ];
    for line in lines {
        refuse_as(ResponseError::BadStatusLine, response(line, &["Content-Length: 0"]));
    }
    refuse_as(ResponseError::BadStatusLine, "\r\nHTTP/1.1 200 OK\r\n\r\n");
    refuse_as(ResponseError::BadStatusLine, "\nHTTP/1.1 200 OK\r\n\r\n");
    refuse_as(ResponseError::BadStatusLine, b"\x15\x03\x01\x00\x02\x02\x16");
    refuse_as(ResponseError::BadStatusLine, "<");
}

#[test]
fn a_body_is_framed_by_its_fields() {
    check_body(&["Content-Length: 5"], ResponseBody::Length(5));
    check_body(&["Content-Length: 0"], ResponseBody::Length(0));
    check_body(&["content-length: 007"], ResponseBody::Length(7));
    check_body(&["Transfer-Encoding: chunked"], ResponseBody::Chunked);
    check_body(&["transfer-encoding:\tChunked "], ResponseBody::Chunked);
    check_body(&["Content-Encoding: chunked"], ResponseBody::UntilClose);
    check_body(&[], ResponseBody::UntilClose);
    check_body(&["Connection: keep-alive"], ResponseBody::UntilClose);
}

#[test]
fn c4_an_equal_content_length_is_counted_once() {
    check_body(&["Content-Length: 5", "Content-Length: 5"], ResponseBody::Length(5));
    check_body(&["Content-Length: 5", "X: y", "content-length: 05"], ResponseBody::Length(5));
}

#[test]
fn c4_doubtful_framing_is_refused() {
    refuse_as(FramingError::LengthAndCoding, ok(&["Content-Length: 5", "Transfer-Encoding: chunked"]));
    refuse_as(FramingError::LengthAndCoding, ok(&["Transfer-Encoding: chunked", "Content-Length: 0"]));
    refuse_as(FramingError::RepeatedLength, ok(&["Content-Length: 5", "Content-Length: 6"]));
    refuse_as(
        FramingError::RepeatedLength,
        ok(&["Content-Length: 5", "Content-Length: 5", "Content-Length: 0"]),
    );
    refuse_as(FramingError::CodingInHttp10, response("HTTP/1.0 200 OK", &["Transfer-Encoding: chunked"]));
    for length in [
        "",
        "+5",
        "-5",
        "0x5",
        "5, 5",
        "5,6",
        "5.0",
        "five",
        "5 5",
        "9223372036854775808",
        "99999999999999999999",
    ] {
        refuse_as(FramingError::BadLength, ok(&[&format!("Content-Length: {length}")]));
    }
    for coding in [
        "",
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "xchunked",
        "\"chunked\"",
        "chunked;a",
    ] {
        refuse_as(FramingError::BadCoding, ok(&[&format!("Transfer-Encoding: {coding}")]));
    }
    refuse_as(FramingError::BadCoding, ok(&["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]));
}

#[test]
fn c4_doubtful_framing_is_refused_where_no_body_follows() {
    for start in ["HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified", "HTTP/1.1 103 Early Hints"] {
        refuse_as(FramingError::BadLength, response(start, &["Content-Length: x"]));
        refuse_as(
            FramingError::LengthAndCoding,
            response(start, &["Content-Length: 1", "Transfer-Encoding: chunked"]),
        );
    }
}

#[test]
fn c6_malformed_fields_are_refused() {
    for line in ["X : y", ": y", "X", "X y: z", "X\u{e9}: y", "\"X\": y"] {
        refuse_as(FieldError::BadName, ok(&[line]));
        refuse_as(FieldError::BadName, ok(&["A: b", line, "C: d"]));
    }
    for value in ["a\rb", "a\0b", "a\u{7f}b", "a\u{1b}b", "\u{8}"] {
        refuse_as(FieldError::BadValue, ok(&[&format!("X: {value}")]));
    }
    refuse_as(FieldError::Folded, ok(&["X: y", " z"]));
    refuse_as(FieldError::Folded, ok(&[" X: y"]));
    refuse_as(FieldError::BareLineFeed, "HTTP/1.1 200 OK\nX: y\r\n\r\n");
    refuse_as(FieldError::BareLineFeed, "HTTP/1.1 200 OK\r\nX: y\n\r\n");
    refuse_as(FieldError::BareLineFeed, "HTTP/1.1 200 OK\r\nX: y\r\n\n");
    refuse_as(FieldError::BadName, "HTTP/1.1 200 OK\r\nX: y\r\n\rZ\r\n");
}

#[test]
fn c3_some_answers_have_no_body_whatever_they_say() {
    for (method, status) in [
        (Method::Head, 200),
        (Method::Head, 404),
        (Method::Get, 204),
        (Method::Get, 304),
        (Method::Post, 204),
        (Method::Get, 100),
        (Method::Get, 103),
        (Method::Get, 199),
    ] {
        for line in ["Content-Length: 5", "Transfer-Encoding: chunked", "X: y"] {
            let facts = accept_answer(method, response(&format!("HTTP/1.1 {status} x"), &[line]));
            assert_eq!(facts.body, ResponseBody::Empty, "{method:?} {status} {line}");
        }
    }
    assert_eq!(accept_answer(Method::Connect, ok(&["Content-Length: 5"])).body, ResponseBody::Length(5));
}

#[test]
fn c11_the_length_of_a_body_not_sent_is_kept() {
    let facts = accept_answer(Method::Head, ok(&["Content-Length: 1024"]));
    assert_eq!((facts.declared_length, facts.keep_alive), (Some(1024), true));
    let facts = accept(response("HTTP/1.1 304 Not Modified", &["Content-Length: 1024"]));
    assert_eq!((facts.declared_length, facts.keep_alive), (Some(1024), true));
    assert_eq!(accept(ok(&[])).declared_length, None);
}

#[test]
fn a_connection_is_kept_unless_told_otherwise() {
    let length = "Content-Length: 5";
    check_keep_alive("HTTP/1.1 200 OK", &[length], true);
    check_keep_alive("HTTP/1.1 200 OK", &[length, "Connection: keep-alive"], true);
    check_keep_alive("HTTP/1.1 200 OK", &[length, "Connection: Close"], false);
    check_keep_alive("HTTP/1.1 200 OK", &[length, "Connection: x, close"], false);
    check_keep_alive("HTTP/1.1 200 OK", &["Transfer-Encoding: chunked"], true);
    check_keep_alive("HTTP/1.0 200 OK", &[length], false);
    check_keep_alive("HTTP/1.0 200 OK", &[length, "Connection: keep-alive"], true);
    check_keep_alive("HTTP/1.0 200 OK", &["Connection: keep-alive"], false);
}

#[test]
fn c3_a_connection_is_not_kept_behind_a_body_nobody_framed() {
    check_keep_alive("HTTP/1.1 200 OK", &[], false);
    check_keep_alive("HTTP/1.1 200 OK", &["Connection: keep-alive"], false);
    check_keep_alive("HTTP/1.1 204 No Content", &[], true);
    check_keep_alive("HTTP/1.1 204 No Content", &["Content-Length: 0"], true);
    check_keep_alive("HTTP/1.1 204 No Content", &["Content-Length: 5"], false);
    check_keep_alive("HTTP/1.1 204 No Content", &["Transfer-Encoding: chunked"], false);
    check_keep_alive("HTTP/1.1 103 Early Hints", &["Content-Length: 5"], false);
    check_keep_alive("HTTP/1.1 304 Not Modified", &["Transfer-Encoding: chunked"], true);
}

#[test]
fn c7_an_interim_response_is_a_head_of_its_own() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let ResponseFacts { length, status, body, .. } = accept(format!("{interim}HTTP/1.1 200 OK\r\n\r\n"));
    assert_eq!((length, status, body), (interim.len(), 103, ResponseBody::Empty));
}

#[test]
fn h21_connection_names_fields_of_this_connection_only() {
    let facts = accept(ok(&["Connection: close, X-Hop", "X-Hop: 1", "X-End: 2"]));
    assert_eq!(facts.named_by_connection, [b"X-Hop"]);
    let lenient = accept(ok(&["Connection: keep-alive; timeout=5, close", "Content-Length: 0"]));
    assert!(!lenient.keep_alive);
}

#[test]
fn a_field_is_found_by_its_name() {
    let response = ok(&["Server: a", "Content-Type: b", "content-type: c"]);
    let mut head = ResponseHead::new();
    head.parse(&response, Method::Get).unwrap();
    let value = |name| head.field(name).map(|field| field.value.of(&response).to_vec());
    assert_eq!(value(FieldName::ContentType), Some(b"b".to_vec()));
    assert_eq!(value(FieldName::Location), None);
}
