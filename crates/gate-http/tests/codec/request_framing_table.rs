//! Framing and field syntax of requests (rows A1 to A8, A13 to A18).

use gate_http::{FieldError, FieldName, FramingError, RequestBody, RequestError};

use crate::request_harness::{accept, post_with, refuse, refuse_as, with_fields};

/// Checks how the body of a POST with these field lines is framed.
#[track_caller]
fn check_body(lines: &[&str], expected: RequestBody) {
    assert_eq!(accept(post_with(lines)).body, expected, "{lines:?}");
}

#[track_caller]
fn refuse_lines(error: impl Into<RequestError>, lines: &[&str]) {
    refuse_as(error, post_with(lines));
}

/// Checks that a line is refused wherever it stands among others.
#[track_caller]
fn refuse_line_anywhere(error: FieldError, line: impl AsRef<[u8]>) {
    let line = line.as_ref();
    refuse_as(error, post_with([line]));
    refuse_as(error, post_with([b"X: y", line]));
    refuse_as(error, post_with([line, b"X: y"]));
    refuse_as(error, post_with([b"Content-Length: 5", line, b"X: y"]));
}

#[test]
fn a1_both_framings_are_refused() {
    for coding in [
        "Transfer-Encoding: chunked",
        "transfer-encoding:chunked",
        "TRANSFER-ENCODING: \tchunked ",
        "Transfer-Encoding: CHUNKED",
    ] {
        for length in ["Content-Length: 5", "content-length:0", "CONTENT-LENGTH: 5 "] {
            refuse_lines(FramingError::LengthAndCoding, &[coding, length]);
            refuse_lines(FramingError::LengthAndCoding, &[length, coding]);
            refuse_lines(FramingError::LengthAndCoding, &["X: y", length, "Y: z", coding]);
        }
    }
}

#[test]
fn a2_only_chunked_is_a_transfer_coding() {
    let values = [
        "",
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, identity",
        "chunked, gzip",
        "chunked, chunked",
        ",chunked",
        "chunked,",
        ", chunked",
        "\"chunked\"",
        "'chunked'",
        "xchunked",
        "chunkedx",
        "chunk",
        "chunke",
        "chunked;q=1",
        "chunked; q=1",
        "=?UTF-8?B?Y2h1bmtlZA==?=",
        "chun ked",
        "chunked chunked",
        "chunked;",
        "chunked\u{a0}",
        "\u{a0}chunked",
        "\u{85}chunked",
        "%63hunked",
        "chunked/",
        "(chunked)",
        "deflate",
        "compress",
        "x-gzip",
        "trailers",
        "0",
        "chunked\u{ff}",
        "ＣＨＵＮＫＥＤ",
    ];
    for value in values {
        let line = format!("Transfer-Encoding: {value}");
        refuse_lines(FramingError::BadCoding, &[&line]);
        refuse_lines(FramingError::BadCoding, &["X: y", &line, "Y: z"]);
        refuse_lines(FramingError::BadCoding, &["Content-Length: 5", &line]);
    }
}

#[test]
fn a2_chunked_is_recognised_in_any_case() {
    for line in [
        "Transfer-Encoding: chunked",
        "Transfer-Encoding:chunked",
        "TRANSFER-ENCODING:\t Chunked\t ",
        "transfer-encoding: CHUNKED",
    ] {
        check_body(&[line], RequestBody::Chunked);
    }
}

#[test]
fn a2_fields_that_only_look_like_framing_frame_nothing() {
    for line in [
        "Content-Encoding: chunked",
        "X-Transfer-Encoding: chunked",
        "Transfer-Encodings: chunked",
        "TransferEncoding: chunked",
    ] {
        check_body(&[line], RequestBody::Empty);
        check_body(&[line, "Content-Length: 5"], RequestBody::Length(5));
    }
}

#[test]
fn a3_a_second_transfer_encoding_is_refused() {
    for second in ["chunked", "identity", "", "gzip"] {
        let second = format!("Transfer-Encoding: {second}");
        refuse_lines(FramingError::BadCoding, &["Transfer-Encoding: chunked", &second]);
        refuse_lines(FramingError::BadCoding, &["Transfer-Encoding: chunked", "X: y", &second]);
    }
    refuse_lines(FramingError::BadCoding, &["Transfer-Encoding:", " chunked"]);
    refuse_lines(FieldError::Folded, &["Transfer-Encoding: chunked", "\t, identity"]);
}

#[test]
fn a4_http_1_0_has_no_transfer_encoding() {
    for method in ["GET", "POST", "PUT"] {
        let start = format!("{method} / HTTP/1.0");
        refuse_as(
            FramingError::CodingInHttp10,
            with_fields(start.as_bytes(), ["Transfer-Encoding: chunked"]),
        );
    }
}

#[test]
fn a4_http_1_0_bodies_come_with_methods_that_have_one() {
    for method in ["GET", "HEAD", "DELETE"] {
        let start = format!("{method} / HTTP/1.0");
        refuse_as(RequestError::UnexpectedBody, with_fields(start.as_bytes(), ["Content-Length: 5"]));
        assert_eq!(accept(with_fields(start.as_bytes(), ["Content-Length: 0"])).body, RequestBody::Length(0));
        assert_eq!(accept(with_fields(start.as_bytes(), ["X: y"])).body, RequestBody::Empty);
    }
    for method in ["POST", "PUT", "PATCH"] {
        let start = format!("{method} / HTTP/1.0");
        assert_eq!(accept(with_fields(start.as_bytes(), ["Content-Length: 5"])).body, RequestBody::Length(5));
    }
}

#[test]
fn a5_a_content_length_is_one_decimal_number() {
    let values = [
        "",
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
        "5 5",
        "0 5",
        "5\t5",
        "five",
        "5a",
        "a5",
        "٥",
        "５",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551621",
        "99999999999999999999",
        "00000000000000000005",
        "340282366920938463463374607431768211461",
        "5\u{a0}",
        "\u{a0}5",
        "0b1",
        "1/1",
        "5%",
        "NaN",
        "5 ;",
    ];
    for value in values {
        let line = format!("Content-Length: {value}");
        refuse_lines(FramingError::BadLength, &[&line]);
        refuse_lines(FramingError::BadLength, &["X: y", &line, "Y: z"]);
    }
}

#[test]
fn a5_leading_zeros_are_read_as_decimal() {
    for (value, length) in [
        ("0", 0),
        ("00", 0),
        ("5", 5),
        ("010", 10),
        ("0000000000000000008", 8),
        ("9223372036854775807", i64::MAX as u64),
    ] {
        check_body(&[&format!("Content-Length: {value}")], RequestBody::Length(length));
        check_body(&[&format!("content-length:\t{value} ")], RequestBody::Length(length));
    }
}

#[test]
fn a6_a_second_content_length_is_refused_even_if_equal() {
    for (first, second) in [("5", "5"), ("5", "6"), ("0", "5"), ("5", "05")] {
        let lines = [format!("Content-Length: {first}"), format!("content-LENGTH: {second}")];
        refuse_lines(FramingError::RepeatedLength, &[&lines[0], &lines[1]]);
        refuse_lines(FramingError::RepeatedLength, &[&lines[0], "X: y", &lines[1]]);
    }
    for list in ["5, 5", "5,5", "5, 6", "5,"] {
        refuse_lines(FramingError::BadLength, &[&format!("Content-Length: {list}")]);
    }
}

#[test]
fn a7_every_method_may_have_a_body() {
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "BREW"] {
        let start = format!("{method} / HTTP/1.1\r\nHost: a");
        assert_eq!(accept(with_fields(start.as_bytes(), ["Content-Length: 5"])).body, RequestBody::Length(5));
        assert_eq!(
            accept(with_fields(start.as_bytes(), ["Transfer-Encoding: chunked"])).body,
            RequestBody::Chunked
        );
    }
}

#[test]
fn a8_without_framing_there_is_no_body() {
    check_body(&[], RequestBody::Empty);
    check_body(&["Connection: close"], RequestBody::Empty);
    check_body(&["Content-Type: application/json"], RequestBody::Empty);
}

#[test]
fn a13_a_bare_line_feed_ends_no_line() {
    refuse(400, "GET / HTTP/1.1\nHost: a\r\n\r\n");
    refuse(400, "GET / HTTP/1.1\r\nHost: a\n\r\n");
    refuse(400, "GET / HTTP/1.1\r\nHost: a\r\n\n");
    refuse(400, "GET / HTTP/1.1\r\nHost: a\n\n");
    refuse(400, "GET / HTTP/1.1\n\n");
    refuse(400, "GET / HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n");
    refuse(400, "GET / HTTP/1.1\r\nHost: a\r\nX: y\n\r\nGET /admin HTTP/1.1\r\n\r\n");
}

#[test]
fn a14_a_bare_carriage_return_is_refused() {
    refuse(400, "GET / HTTP/1.1\rHost: a\r\n\r\n");
    refuse(400, "GET / HTTP/1.1\r\nHost: a\r\n\rZ");
    refuse(400, "GET / HTTP/1.1\r\nHost: a\r\n\r\rZ");
    refuse(400, "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n");
    refuse(400, "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n");
    refuse(400, "GET / HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n");
    refuse(400, "GET / HTTP/1.1\r\nHost: a\r\nX\r: y\r\n\r\n");
    refuse(400, "GET / HTTP/1.1\r\nHost: a\r\nX:\ry\r\n\r\n");
}

#[test]
fn a15_control_characters_are_refused_and_other_bytes_kept() {
    for byte in 0..=255u8 {
        for (before, after) in [("X: ", "y"), ("X: y", ""), ("X: a", "b")] {
            let line = [before.as_bytes(), &[byte], after.as_bytes()].concat();
            let request = post_with([line.clone()]);
            match byte {
                b'\t' | b' '..=b'~' | 0x80.. => {
                    let expected = line[2..].trim_ascii();
                    assert_eq!(accept(&request).fields[1].2, expected, "{}", line.escape_ascii());
                }
                _ => refuse(400, &request),
            }
        }
    }
}

#[test]
fn a16_a_folded_line_is_refused() {
    for folded in [" b", "\tb", " ", "\t", "  b: c", " Content-Length: 5"] {
        refuse_line_anywhere(FieldError::Folded, folded);
    }
}

#[test]
fn a17_a_name_is_a_token_with_a_colon_behind_it() {
    let lines = [
        "X : y",
        "X\t: y",
        "X y: z",
        ": y",
        ":",
        "X",
        "X y",
        "Transfer-Encoding : chunked",
        "Content-Length\t:5",
        "Host : a",
        "(X): y",
        "X(a): y",
        "X/: y",
        "\"X\": y",
        "[X]: y",
        "{X}: y",
        "<X>: y",
        "X@: y",
        "X,: y",
        "X;: y",
        "X?: y",
        "X=: y",
        "X\\: y",
        "X\u{e9}: y",
        "\u{ff}: y",
        "=: y",
        "GET / HTTP/1.1",
        "Z\0: y",
        "\u{7f}: y",
        "X\u{b}: y",
    ];
    for line in lines {
        refuse_line_anywhere(FieldError::BadName, line);
    }
}

#[test]
fn a17_every_token_is_a_name() {
    for name in ["X", "x-y", "!#$&'*+-.^`|~", "0", "1a", "Content-Type", "-"] {
        let facts = accept(post_with([format!("{name}: y")]));
        assert_eq!(facts.fields[1], (FieldName::of(name.as_bytes()), name.into(), b"y".to_vec()));
    }
}

#[test]
fn a17_a_value_may_be_empty_and_holds_colons() {
    for (line, value) in [
        ("X:", ""),
        ("X: ", ""),
        ("X:\t ", ""),
        ("X::", ":"),
        ("X: a: b", "a: b"),
        ("X:y", "y"),
        ("X: \ty z \t", "y z"),
    ] {
        assert_eq!(accept(post_with([line])).fields[1].2, value.as_bytes(), "{line:?}");
    }
}

#[test]
fn a18_a_disguised_name_is_refused() {
    let names = [
        "Content_Length",
        "CONTENT_LENGTH",
        "Transfer_Encoding",
        "Transfer-%45ncoding",
        "transfer_encoding",
        "Transfer.Encoding",
        "Proxy_Authorization",
        "X_Forwarded_For",
        "X-Forwarded_For",
        "X_Forwarded-Host",
        "X_FORWARDED_PROTO",
        "X_Real_IP",
        "X_Original_URL",
        "X_Rewrite_Url",
        "X_HTTP_Method_Override",
        "%48ost",
        "Ho%73t",
        "Coo%6bie",
        "Content%2DLength",
    ];
    for name in names {
        refuse_lines(RequestError::DisguisedName, &[&format!("{name}: 5")]);
        refuse_lines(RequestError::DisguisedName, &["X: y", &format!("{name}: 5"), "Content-Length: 5"]);
    }
    for name in ["X_Trace_Id", "Content_Type", "a_b", "Host_", "_Host", "%", "Authorization%"] {
        assert_eq!(accept(post_with([format!("{name}: 5")])).fields[1].0, FieldName::Other, "{name}");
    }
}

#[test]
fn pipelined_bytes_are_not_part_of_the_head() {
    let first = post_with(["Content-Length: 5"]);
    let facts = accept([&first[..], b"helloGET /admin HTTP/1.1\r\nHost: b\r\n\r\n"].concat());
    assert_eq!((facts.length, &*facts.path), (first.len(), &b"/x"[..]));
}
