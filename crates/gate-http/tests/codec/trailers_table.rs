//! Trailer sections (row A12).

use gate_http::{ChunkError, FieldError, FieldName, Progress, Trailers, may_be_trailer};

/// Parses `bytes` whole, split at every byte and byte by byte, and returns the names or the error.
#[track_caller]
fn parse(bytes: &[u8]) -> Option<Result<(usize, Vec<String>), ChunkError>> {
    let outcome = |ends: &[usize]| {
        let mut trailers = Trailers::new();
        for &end in ends {
            match trailers.parse(&bytes[..end]) {
                Ok(Progress::Partial) => {}
                Ok(Progress::Complete { length }) => {
                    let name = |span: gate_http::Span| String::from_utf8_lossy(span.of(bytes)).into_owned();
                    return Some(Ok((
                        length,
                        trailers.fields().iter().map(|field| name(field.name)).collect(),
                    )));
                }
                Err(error) => return Some(Err(error)),
            }
        }
        None
    };
    let whole = outcome(&[bytes.len()]);
    for split in 0..bytes.len() {
        assert_eq!(outcome(&[split, bytes.len()]), whole, "split at {split}: {}", bytes.escape_ascii());
    }
    assert_eq!(
        outcome(&(0..=bytes.len()).collect::<Vec<_>>()),
        whole,
        "byte by byte: {}",
        bytes.escape_ascii()
    );
    whole
}

#[track_caller]
fn accept(bytes: &str, length: usize, names: &[&str]) {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(parse(bytes.as_bytes()), Some(Ok((length, names))), "{bytes:?}");
}

#[track_caller]
fn check_allowed(name: &str, expected: bool) {
    assert_eq!(may_be_trailer(FieldName::of(name.as_bytes()), name.as_bytes()), expected, "{name}");
}

#[test]
fn a_trailer_section_ends_with_a_blank_line() {
    accept("\r\n", 2, &[]);
    accept("\r\nGET / HTTP/1.1\r\n", 2, &[]);
    accept("Grpc-Status: 0\r\n\r\n", 18, &["Grpc-Status"]);
    accept("A: b\r\nC:\r\n\r\nmore", 12, &["A", "C"]);
}

#[test]
fn a12_an_unfinished_section_stays_open() {
    for bytes in ["", "\r", "A", "A: b", "A: b\r", "A: b\r\n", "A: b\r\n\r"] {
        assert_eq!(parse(bytes.as_bytes()), None, "{bytes:?}");
    }
}

#[test]
fn a12_trailer_fields_are_as_strict_as_head_fields() {
    for (bytes, error) in [
        ("A: b\n\r\n", FieldError::BareLineFeed),
        ("A: b\r\n\n", FieldError::BareLineFeed),
        ("\n", FieldError::BareLineFeed),
        ("A : b\r\n\r\n", FieldError::BadName),
        (": b\r\n\r\n", FieldError::BadName),
        ("A\r\n\r\n", FieldError::BadName),
        ("A: b\r\n c\r\n\r\n", FieldError::Folded),
        ("A: \0\r\n\r\n", FieldError::BadValue),
        ("A: b\rc\r\n\r\n", FieldError::BadValue),
        ("\rx", FieldError::BadName),
    ] {
        assert_eq!(parse(bytes.as_bytes()), Some(Err(ChunkError::Trailer(error))), "{bytes:?}");
    }
}

#[test]
fn a12_fields_that_decide_something_come_before_the_body() {
    let refused = [
        "Content-Length",
        "Transfer-Encoding",
        "Host",
        "Authorization",
        "Cookie",
        "Set-Cookie",
        "Content-Type",
        "Content-Encoding",
        "Content-Range",
        "Trailer",
        "TE",
        "Connection",
        "Keep-Alive",
        "Upgrade",
        "Proxy-Authorization",
        "Proxy-Foo",
        "X-Forwarded-For",
        "x-forwarded-anything",
        "Forwarded",
        "X-Real-IP",
        "Cache-Control",
        "Expires",
        "Vary",
        "Age",
        "If-Match",
        "If-None-Match",
        "Range",
        "Expect",
        "Max-Forwards",
        "Location",
        "Retry-After",
        "WWW-Authenticate",
        "Accept",
        "Accept-Encoding",
        "Origin",
        "Via",
        "Pragma",
        "Warning",
        "Access-Control-Allow-Origin",
        "Content_Length",
        "Transfer_Encoding",
        "%48ost",
        "User-Agent",
    ];
    for name in refused {
        check_allowed(name, false);
    }
    for name in refused {
        check_allowed(&name.to_uppercase(), false);
    }
}

#[test]
fn other_fields_may_come_behind_the_body() {
    for name in [
        "Grpc-Status",
        "grpc-message",
        "Server-Timing",
        "ETag",
        "X-Checksum",
        "Digest",
        "Date",
        "X-Request-Id",
    ] {
        check_allowed(name, true);
    }
}
