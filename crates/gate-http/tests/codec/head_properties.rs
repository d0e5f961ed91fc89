//! What is accepted is canonical: written out and read again it is the same message.

use gate_http::{Method, RequestHead, ResponseHead};
use proptest::prelude::*;

use crate::request_harness::{self, RequestFacts};
use crate::response_harness::{self, ResponseFacts};

/// Parts of requests, good and bad, that are put together at random.
const START_LINES: [&str; 12] = [
    "GET / HTTP/1.1",
    "POST /a/b?c=d HTTP/1.1",
    "GET http://a/x?y HTTP/1.1",
    "GET http://a HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "POST /x HTTP/1.0",
    "GET / HTTP/1.0",
    "DELETE /%41 HTTP/1.1",
    "BREW /pot HTTP/1.1",
    "CONNECT a:80 HTTP/1.1",
    "GET /?[] HTTP/1.1",
    "GET / HTTP/2.0",
];

const STATUS_LINES: [&str; 8] = [
    "HTTP/1.1 200 OK",
    "HTTP/1.1 204",
    "HTTP/1.1 304 ",
    "HTTP/1.0 404 Not Found",
    "HTTP/1.1 100 Continue",
    "HTTP/1.1 999 \u{e9}",
    "HTTP/1.1 500 a  b",
    "HTTP/1.1 099 x",
];

const FIELD_LINES: [&str; 24] = [
    "Host: a",
    "Content-Length: 5",
    "content-length: 0005",
    "Content-Length: 0",
    "Transfer-Encoding: chunked",
    "transfer-encoding:CHUNKED ",
    "Transfer-Encoding: gzip, chunked",
    "Connection: close",
    "Connection: keep-alive, X-Hop",
    "Connection: upgrade",
    "Upgrade: websocket",
    "X-Hop: 1",
    "Expect: 100-continue",
    "TE: trailers",
    "X: \t y \t",
    "X:",
    "X: a\u{e9}b",
    "Accept: */*",
    "Cookie: a=b; c=d",
    "X_Y: z",
    "Content_Length: 5",
    "X : y",
    " folded",
    "Te: gzip",
];

fn field_lines() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(&FIELD_LINES[..]), 0..7)
}

/// A head; most requests need a Host to be accepted.
fn head(starts: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    (prop::sample::select(starts), any::<bool>(), field_lines()).prop_map(|(start, has_host, lines)| {
        let host: &[&str] = if has_host { &["Host: a"] } else { &[] };
        [&[start], host, &lines, &["", ""]].concat().join("\r\n").into_bytes()
    })
}

/// One byte changed, inserted or removed.
fn damaged(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![prop::sample::select(&b"\r\n\t :,_%?#/"[..]), any::<u8>()];
    (bytes, any::<prop::sample::Index>(), byte, 0..4u8).prop_map(|(mut bytes, place, byte, kind)| {
        let place = place.index(bytes.len());
        match kind {
            0 => bytes.insert(place, byte),
            1 => bytes[place] = byte,
            2 => drop(bytes.remove(place)),
            _ => {}
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn an_accepted_request_is_read_again_as_itself(bytes in damaged(head(&START_LINES))) {
        let outcome = request_harness::parse(&bytes);
        if let Some(Ok(facts)) = outcome && facts.version == gate_http::Version::Http11 {
            let written = request_harness::rewrite(&facts);
            let again = request_harness::accept(&written);
            // The target is in origin-form now.
            let expected = RequestFacts { length: written.len(), target: again.target.clone(), ..facts };
            prop_assert_eq!(again, expected);
        }
    }

    #[test]
    fn an_accepted_response_is_read_again_as_itself(bytes in damaged(head(&STATUS_LINES))) {
        let outcome = response_harness::parse(Method::Get, &bytes);
        if let Some(Ok(facts)) = outcome && facts.version == gate_http::Version::Http11 {
            let written = response_harness::rewrite(&facts);
            let again = response_harness::accept(&written);
            prop_assert_eq!(again, ResponseFacts { length: written.len(), ..facts });
        }
    }

    #[test]
    fn a_head_is_the_same_in_any_number_of_pieces(
        bytes in damaged(head(&START_LINES)),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut ends: Vec<_> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
        ends.sort_unstable();
        let whole = request_harness::parse_at(&mut RequestHead::new(), &bytes, []);
        prop_assert_eq!(request_harness::parse_at(&mut RequestHead::new(), &bytes, ends), whole);
    }

    #[test]
    fn a_used_head_parses_like_a_new_one(
        first in damaged(head(&START_LINES)),
        second in damaged(head(&START_LINES)),
    ) {
        let mut used = RequestHead::new();
        request_harness::parse_at(&mut used, &first, []);
        let reused = request_harness::parse_at(&mut used, &second, []);
        prop_assert_eq!(reused, request_harness::parse_at(&mut RequestHead::new(), &second, []));
    }

    #[test]
    fn a_used_response_head_parses_like_a_new_one(
        first in damaged(head(&STATUS_LINES)),
        second in damaged(head(&STATUS_LINES)),
    ) {
        let mut used = ResponseHead::new();
        response_harness::parse_at(&mut used, Method::Get, &first, []);
        let reused = response_harness::parse_at(&mut used, Method::Get, &second, []);
        prop_assert_eq!(reused, response_harness::parse_at(&mut ResponseHead::new(), Method::Get, &second, []));
    }
}
