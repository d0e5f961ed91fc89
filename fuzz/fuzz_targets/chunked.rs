//! A chunked body is decoded and relayed as a byte-wise model says, whole, in some pieces and byte by byte;
//! its trailer section gets the same verdict in any number of pieces.
#![no_main]

#[allow(dead_code, reason = "shared with the codec's tests")]
#[path = "../../crates/gate-http/tests/codec/chunked_model.rs"]
mod chunked_model;
mod cuts;

use chunked_model::{End, check_pieces, model};
use gate_http::{ChunkError, Progress, Trailers, may_be_trailer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check_pieces(bytes, &[bytes]);
    check_pieces(bytes, &cuts::pieces(bytes, &cuts::cuts(bytes)));
    check_pieces(bytes, &bytes.chunks(1).collect::<Vec<_>>());
    if let End::Last(length) = model(bytes).1 {
        check_trailers(&bytes[length..]);
    }
});

fn check_trailers(bytes: &[u8]) {
    let whole = parse_at(bytes, []);
    assert_eq!(parse_at(bytes, cuts::cuts(bytes)), whole, "in some pieces");
    assert_eq!(parse_at(bytes, 0..bytes.len()), whole, "byte by byte");
}

/// The verdict on a section that arrives up to each of `ends`, then whole, and how many fields may go on.
fn parse_at(
    bytes: &[u8],
    ends: impl IntoIterator<Item = usize>,
) -> Option<Result<(usize, usize), ChunkError>> {
    let mut trailers = Trailers::new();
    for end in ends.into_iter().chain([bytes.len()]) {
        match trailers.parse(&bytes[..end]) {
            Ok(Progress::Partial) => {}
            Ok(Progress::Complete { length }) => {
                let fields = trailers.fields().iter();
                let kept = fields.filter(|field| may_be_trailer(field.known, field.name.of(bytes))).count();
                return Some(Ok((length, kept)));
            }
            Err(error) => return Some(Err(error)),
        }
    }
    None
}
