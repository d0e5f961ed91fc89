//! Every byte at every place around `Transfer-Encoding: chunked` (rows A2, A3, A17, A18).
//!
//! What must come out is decided here from the place and the byte alone, not by parsing.

use gate_http::{RequestBody, RequestError};

use crate::request_harness::{parse, post_with};

/// Where the byte is put.
#[derive(Clone, Copy, Debug)]
enum Place {
    BeforeName,
    InsteadOfHyphen,
    BehindHyphen,
    BehindName,
    BehindColon,
    BehindSpace,
    InsteadOfSpace,
    WithinValue,
    BehindValue,
    /// Behind the value, with the byte a second time.
    BehindValueTwice,
}

/// What must come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is another field; only the Content-Length counts.
    OtherField,
    /// It is the same field.
    SameField,
    /// 400.
    Refused,
}

const PLACES: [Place; 10] = [
    Place::BeforeName,
    Place::InsteadOfHyphen,
    Place::BehindHyphen,
    Place::BehindName,
    Place::BehindColon,
    Place::BehindSpace,
    Place::InsteadOfSpace,
    Place::WithinValue,
    Place::BehindValue,
    Place::BehindValueTwice,
];

impl Place {
    fn line(self, byte: u8) -> Vec<u8> {
        let (before, behind, times): (&[u8], &[u8], _) = match self {
            Self::BeforeName => (b"", b"Transfer-Encoding: chunked", 1),
            Self::InsteadOfHyphen => (b"Transfer", b"Encoding: chunked", 1),
            Self::BehindHyphen => (b"Transfer-", b"Encoding: chunked", 1),
            Self::BehindName => (b"Transfer-Encoding", b": chunked", 1),
            Self::BehindColon => (b"Transfer-Encoding:", b" chunked", 1),
            Self::BehindSpace => (b"Transfer-Encoding: ", b"chunked", 1),
            Self::InsteadOfSpace => (b"Transfer-Encoding:", b"chunked", 1),
            Self::WithinValue => (b"Transfer-Encoding: chun", b"ked", 1),
            Self::BehindValue => (b"Transfer-Encoding: chunked", b"", 1),
            Self::BehindValueTwice => (b"Transfer-Encoding: chunked", b"", 2),
        };
        [before, &vec![byte; times], behind].concat()
    }

    fn verdict(self, byte: u8) -> Verdict {
        match self {
            Self::InsteadOfHyphen if byte == b'-' => Verdict::SameField,
            // A colon ends the name early: `Transfer` is another field.
            Self::InsteadOfHyphen | Self::BehindHyphen if byte == b':' => Verdict::OtherField,
            // To CGI this is `TRANSFER_ENCODING`.
            Self::InsteadOfHyphen if is_token(byte) && !byte.is_ascii_alphanumeric() => Verdict::Refused,
            Self::BeforeName | Self::InsteadOfHyphen | Self::BehindHyphen | Self::BehindName
                if is_token(byte) =>
            {
                Verdict::OtherField
            }
            Self::BehindColon
            | Self::BehindSpace
            | Self::InsteadOfSpace
            | Self::BehindValue
            | Self::BehindValueTwice
                if matches!(byte, b' ' | b'\t') =>
            {
                Verdict::SameField
            }
            _ => Verdict::Refused,
        }
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Checks one byte at one place, with these lines around it.
fn check(place: Place, byte: u8, with_length: bool) {
    let mut lines = vec![place.line(byte), b"X: y".to_vec()];
    if with_length {
        lines.insert(0, b"Content-Length: 5".to_vec());
    }
    let expected = match (place.verdict(byte), with_length) {
        (Verdict::OtherField, true) => Some(Ok(RequestBody::Length(5))),
        (Verdict::OtherField, false) => Some(Ok(RequestBody::Empty)),
        (Verdict::SameField, false) => Some(Ok(RequestBody::Chunked)),
        (Verdict::SameField, true) | (Verdict::Refused, _) => Some(Err(400)),
    };
    let request = post_with(lines);
    let found = parse(&request).map(|found| found.map(|facts| facts.body).map_err(RequestError::status));
    assert_eq!(found, expected, "{place:?}: {}", request.escape_ascii());
}

#[test]
fn a2_every_byte_at_every_place_is_judged() {
    for place in PLACES {
        for byte in 0..=255 {
            check(place, byte, true);
            check(place, byte, false);
        }
    }
}

#[test]
fn a2_two_junk_bytes_are_no_better_than_one() {
    let junk = [0x00, 0x01, 0x09, 0x0b, 0x0c, 0x0d, 0x1f, 0x20, 0x22, 0x2c, 0x3b, 0x7f, 0x85, 0xa0, 0xff];
    for first in junk {
        for second in junk {
            let is_white = |byte| matches!(byte, b' ' | b'\t');
            if is_white(first) && is_white(second) {
                continue;
            }
            for line in [
                [b"Transfer-Encoding:", &[first, second][..], b"chunked"].concat(),
                [b"Transfer-Encoding: chunked", &[first, second][..]].concat(),
                [b"Transfer-Encoding", &[first, second][..], b": chunked"].concat(),
            ] {
                let found = parse(&post_with([&b"Content-Length: 5"[..], &line]))
                    .map(|found| found.map(|facts| facts.body));
                assert_eq!(
                    found.map(|found| found.map_err(RequestError::status)),
                    Some(Err(400)),
                    "{}",
                    line.escape_ascii()
                );
            }
        }
    }
}
