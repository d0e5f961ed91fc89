//! Limits of heads and trailer sections (rows A12, A25).

use gate_http::limits::{
    HEAD_BYTES_MAX, LINE_BYTES_MAX, METHOD_BYTES_MAX, REQUEST_FIELDS_MAX, REQUEST_LINE_BYTES_MAX,
    RESPONSE_FIELDS_MAX, TARGET_BYTES_MAX, TRAILER_BYTES_MAX, TRAILER_FIELDS_MAX,
};
use gate_http::{
    ChunkError, FieldError, Method, Progress, RequestError, RequestHead, ResponseHead, Trailers,
};

/// A POST whose head is exactly this long, in lines that are not too long each.
fn head_of(bytes: usize) -> Vec<u8> {
    const START: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\n";
    let filler = bytes - START.len() - b"X: \r\nY: \r\n\r\n".len();
    let (x, y) = (filler / 2, filler - filler / 2);
    [START, b"X: ", &vec![b'x'; x], b"\r\nY: ", &vec![b'y'; y], b"\r\n\r\n"].concat()
}

/// Checks a request whole, cut around `around`, and byte by byte.
#[track_caller]
fn check(bytes: &[u8], around: usize, expected: Result<Progress, RequestError>) {
    for end in around.saturating_sub(3)..=(around + 3).min(bytes.len()) {
        let mut head = RequestHead::new();
        let outcome = match head.parse(&bytes[..end]) {
            Ok(Progress::Partial) => head.parse(bytes),
            outcome => outcome,
        };
        assert_eq!(outcome, expected, "split at {end}");
    }
    let mut head = RequestHead::new();
    let mut outcomes = (1..=bytes.len()).map(|end| head.parse(&bytes[..end]));
    assert_eq!(outcomes.find(|outcome| *outcome != Ok(Progress::Partial)), Some(expected));
}

#[track_caller]
fn check_accepted(bytes: &[u8], around: usize) {
    check(bytes, around, Ok(Progress::Complete { length: bytes.len() }));
}

fn request_with_target(length: usize) -> Vec<u8> {
    format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "t".repeat(length - 1)).into_bytes()
}

fn request_with_line(length: usize) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "v".repeat(length - "X: \r\n".len())).into_bytes()
}

#[test]
fn a25_a_target_of_8_kib_is_accepted_and_more_is_414() {
    check_accepted(&request_with_target(TARGET_BYTES_MAX), TARGET_BYTES_MAX);
    let error = RequestError::TargetTooLong;
    assert_eq!(error.status(), 414);
    for length in [TARGET_BYTES_MAX + 1, TARGET_BYTES_MAX + 40, TARGET_BYTES_MAX + 100, 3 * TARGET_BYTES_MAX]
    {
        check(&request_with_target(length), TARGET_BYTES_MAX + 45, Err(error));
    }
}

#[test]
fn a25_the_longest_request_line_is_accepted_and_no_longer_one_waited_for() {
    let method = "M".repeat(METHOD_BYTES_MAX);
    let target = format!("/{}", "t".repeat(TARGET_BYTES_MAX - 1));
    let line = format!("{method} {target} HTTP/1.1\r\n");
    assert_eq!(line.len(), REQUEST_LINE_BYTES_MAX);
    check_accepted(format!("{line}Host: a\r\n\r\n").as_bytes(), line.len());
    let endless = vec![b't'; 2 * REQUEST_LINE_BYTES_MAX];
    let endless = [b"GET /", &endless[..]].concat();
    let parse = |length: usize| RequestHead::new().parse(&endless[..length]);
    assert_eq!(parse(REQUEST_LINE_BYTES_MAX - 1), Ok(Progress::Partial));
    assert_eq!(parse(REQUEST_LINE_BYTES_MAX), Err(RequestError::TargetTooLong));
}

#[test]
fn a25_a_target_without_end_is_414() {
    check(
        &[b"GET /", &vec![b'a'; 9000][..]].concat(),
        TARGET_BYTES_MAX + 45,
        Err(RequestError::TargetTooLong),
    );
}

#[test]
fn a25_a_field_line_of_16_kib_is_accepted_and_more_is_431() {
    let start = "GET / HTTP/1.1\r\nHost: a\r\n".len();
    check_accepted(&request_with_line(LINE_BYTES_MAX), start + LINE_BYTES_MAX);
    let error = RequestError::Field(FieldError::LineTooLong);
    assert_eq!(error.status(), 431);
    check(&request_with_line(LINE_BYTES_MAX + 1), start + LINE_BYTES_MAX, Err(error));
    check(
        &[b"GET / HTTP/1.1\r\nHost: a\r\nX: ", &vec![b'a'; 20_000][..]].concat(),
        start + LINE_BYTES_MAX,
        Err(error),
    );
}

#[test]
fn a25_a_head_of_32_kib_is_accepted_and_more_is_431() {
    check_accepted(&head_of(HEAD_BYTES_MAX), HEAD_BYTES_MAX);
    let error = RequestError::Field(FieldError::SectionTooLarge);
    assert_eq!(error.status(), 431);
    for bytes in [HEAD_BYTES_MAX + 1, HEAD_BYTES_MAX + 2, HEAD_BYTES_MAX + 3] {
        check(&head_of(bytes), HEAD_BYTES_MAX, Err(error));
    }
}

#[test]
fn a25_leading_empty_lines_count() {
    let bytes = [b"\r\n", &head_of(HEAD_BYTES_MAX)[..]].concat();
    check(&bytes, HEAD_BYTES_MAX, Err(RequestError::Field(FieldError::SectionTooLarge)));
}

#[test]
fn a25_a_hundred_fields_are_accepted_and_more_is_431() {
    let request = |fields: usize| {
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(fields - 1)).into_bytes()
    };
    let accepted = request(REQUEST_FIELDS_MAX);
    check_accepted(&accepted, accepted.len());
    let error = RequestError::Field(FieldError::TooMany);
    assert_eq!(error.status(), 431);
    check(&request(REQUEST_FIELDS_MAX + 1), accepted.len(), Err(error));
}

#[test]
fn c5_a_response_has_200_fields_and_32_kib_at_most() {
    let parse = |bytes: &[u8]| ResponseHead::new().parse(bytes, Method::Get);
    let fields = |fields: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(fields)).into_bytes();
    assert!(matches!(parse(&fields(RESPONSE_FIELDS_MAX)), Ok(Progress::Complete { .. })));
    assert_eq!(parse(&fields(RESPONSE_FIELDS_MAX + 1)), Err(FieldError::TooMany.into()));
    let large = |bytes: usize| {
        let filler = (bytes - "HTTP/1.1 200 OK\r\nX: \r\nY: \r\n\r\n".len()) / 2;
        format!("HTTP/1.1 200 OK\r\nX: {0}\r\nY: {0}\r\n\r\n", "v".repeat(filler)).into_bytes()
    };
    assert!(matches!(parse(&large(HEAD_BYTES_MAX - 1)), Ok(Progress::Complete { .. })));
    assert_eq!(parse(&large(HEAD_BYTES_MAX + 2)), Err(FieldError::SectionTooLarge.into()));
    assert_eq!(
        parse(&[b"HTTP/1.1 200 ", &vec![b'x'; LINE_BYTES_MAX][..]].concat()),
        Err(FieldError::LineTooLong.into())
    );
}

#[test]
fn a12_a_trailer_section_has_100_fields_and_8_kib_at_most() {
    let parse = |bytes: &[u8]| Trailers::new().parse(bytes);
    let fields = |fields: usize| format!("{}\r\n", "X: y\r\n".repeat(fields)).into_bytes();
    assert!(matches!(parse(&fields(TRAILER_FIELDS_MAX)), Ok(Progress::Complete { .. })));
    assert_eq!(parse(&fields(TRAILER_FIELDS_MAX + 1)), Err(FieldError::TooMany.into()));
    let large = |bytes: usize| format!("X: {}\r\n\r\n", "v".repeat(bytes - "X: \r\n\r\n".len())).into_bytes();
    assert_eq!(parse(&large(TRAILER_BYTES_MAX)), Ok(Progress::Complete { length: TRAILER_BYTES_MAX }));
    let error = ChunkError::Trailer(FieldError::SectionTooLarge);
    assert_eq!(error.status(), 431);
    assert_eq!(parse(&large(TRAILER_BYTES_MAX + 1)), Err(error));
    assert_eq!(parse(&vec![b'x'; TRAILER_BYTES_MAX]), Err(error));
}
