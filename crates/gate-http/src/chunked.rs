//! The chunked transfer coding (RFC 9112 section 7.1).

use crate::FieldError;

/// Reads the framing of a chunked body.
#[derive(Clone, Copy, Debug)]
pub struct ChunkedDecoder {
    _state: u64,
}

/// What [`ChunkedDecoder::scan`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Bytes that may be consumed.
    pub consumed: usize,
    /// Whether the consumed chunks are framed as we would have framed them, so that they may be relayed as they are.
    /// One scan never mixes the two kinds: scan again behind `consumed` until nothing is consumed.
    pub verbatim: bool,
    /// Payload bytes among the consumed ones.
    pub data: u64,
    /// How many of the consumed bytes, at their end, are the last-chunk line (`0\r\n`).
    pub last_line: usize,
    /// Whether the last chunk was consumed; the trailer section follows.
    pub last: bool,
}

/// What [`ChunkedDecoder::decode`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes that are consumed; their payload is at the front now.
    pub consumed: usize,
    /// Payload bytes at the front of the buffer.
    pub data: usize,
    /// Whether the last chunk was consumed; the trailer section follows.
    pub last: bool,
}

/// What is wrong with a chunked body. It cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// A field line of the trailer section, or all of them together.
    #[error("trailer section: {0}")]
    Trailer(#[from] FieldError),
    /// Not one to sixteen hexadecimal digits, or more than 2⁶³ − 1.
    #[error("malformed chunk size")]
    BadSize,
}

impl ChunkedDecoder {
    /// A decoder before the first chunk.
    pub fn new() -> Self {
        Self { _state: 0 }
    }
    /// Says how many of `bytes`, the first one not consumed yet onwards, may be consumed.
    pub fn scan(&mut self, _bytes: &[u8]) -> Result<Scan, ChunkError> {
        Ok(Scan { consumed: 0, verbatim: true, data: 0, last_line: 0, last: false })
    }
    /// Like [`ChunkedDecoder::scan`], and moves the payload to the front of `bytes`.
    pub fn decode(&mut self, _bytes: &mut [u8]) -> Result<Decoded, ChunkError> {
        Ok(Decoded { consumed: 0, data: 0, last: false })
    }
}
impl Default for ChunkedDecoder {
    fn default() -> Self {
        Self::new()
    }
}
