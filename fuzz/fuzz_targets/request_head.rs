//! A request head gets the same verdict in any number of pieces, and what is accepted is canonical: written
//! out and read again it is the same request.
#![no_main]

mod cuts;
#[allow(dead_code, reason = "shared with the codec's tests")]
#[path = "../../crates/gate-http/tests/codec/request_harness.rs"]
mod request_harness;

use gate_http::{RequestHead, Version};
use libfuzzer_sys::fuzz_target;
use request_harness::{RequestFacts, parse_at, rewrite};

fuzz_target!(|bytes: &[u8]| {
    let mut head = RequestHead::new();
    let whole = parse_at(&mut head, bytes, []);
    assert_eq!(parse_at(&mut head, bytes, cuts::cuts(bytes)), whole, "in some pieces");
    assert_eq!(parse_at(&mut head, bytes, 0..bytes.len()), whole, "byte by byte");
    match whole {
        Some(Ok(facts)) if facts.version == Version::Http11 => check_canonical(facts),
        _ => {}
    }
});

fn check_canonical(facts: RequestFacts) {
    let written = rewrite(&facts);
    if written.len() > gate_http::limits::HEAD_BYTES_MAX {
        return; // a space behind every colon can make a full head too large
    }
    let Some(Ok(again)) = parse_at(&mut RequestHead::new(), &written, []) else {
        panic!("refused as {}", written.escape_ascii());
    };
    // The target is in origin-form now.
    let expected = RequestFacts { length: written.len(), target: again.target.clone(), ..facts };
    assert_eq!(again, expected);
}
