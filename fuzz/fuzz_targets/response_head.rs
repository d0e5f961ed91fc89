//! A response head gets the same verdict in any number of pieces, and what is accepted is canonical: written
//! out and read again it is the same response.
#![no_main]

mod cuts;
#[allow(dead_code, reason = "shared with the codec's tests")]
#[path = "../../crates/gate-http/tests/codec/response_harness.rs"]
mod response_harness;

use gate_http::{Method, ResponseHead, Version};
use libfuzzer_sys::fuzz_target;
use response_harness::{ResponseFacts, parse_at, rewrite};

fuzz_target!(|bytes: &[u8]| {
    let mut head = ResponseHead::new();
    for method in [Method::Get, Method::Head] {
        let whole = parse_at(&mut head, method, bytes, []);
        assert_eq!(parse_at(&mut head, method, bytes, cuts::cuts(bytes)), whole, "in some pieces");
        assert_eq!(parse_at(&mut head, method, bytes, 0..bytes.len()), whole, "byte by byte");
        match whole {
            Some(Ok(facts)) if facts.version == Version::Http11 => check_canonical(method, facts),
            _ => {}
        }
    }
});

fn check_canonical(method: Method, facts: ResponseFacts) {
    let written = rewrite(&facts);
    if written.len() > gate_http::limits::HEAD_BYTES_MAX {
        return; // a space behind every colon can make a full head too large
    }
    let Some(Ok(again)) = parse_at(&mut ResponseHead::new(), method, &written, []) else {
        panic!("refused as {}", written.escape_ascii());
    };
    assert_eq!(again, ResponseFacts { length: written.len(), ..facts });
}
