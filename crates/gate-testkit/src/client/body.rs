//! How a response body is delimited (RFC 9112 section 6.3), and where its reader stands.

use super::head::malformed;
use super::response::{ResponseError, ResponseHead};

/// What of a body is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remaining {
    /// Nothing.
    Nothing,
    /// That many bytes.
    Bytes(u64),
    /// The size line of a chunk.
    ChunkSize,
    /// That many bytes of a chunk, then its CRLF.
    ChunkBytes(u64),
    /// Everything up to the end of the connection.
    UntilClose,
}

impl Remaining {
    /// What follows a head that answers `method`.
    pub(super) fn after(head: &ResponseHead, method: &str) -> Result<Self, ResponseError> {
        let lengths = head.headers.values("content-length");
        let codings = head.headers.values("transfer-encoding");
        if !codings.is_empty() && !lengths.is_empty() {
            return Err(malformed("both Content-Length and Transfer-Encoding", lengths.concat().as_bytes()));
        }
        if head.status < 200 || head.status == 204 {
            return match lengths.len() + codings.len() {
                0 => Ok(Self::Nothing),
                _ => Err(malformed("framing fields on a response without a body", b"")),
            };
        }
        if head.status == 304 || method == "HEAD" {
            return Ok(Self::Nothing);
        }
        match (codings.as_slice(), lengths.as_slice()) {
            (["chunked"], _) => Ok(Self::ChunkSize),
            ([], [length]) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                length.parse().map(Self::Bytes).map_err(|_| malformed("Content-Length", length.as_bytes()))
            }
            ([], []) => Ok(Self::UntilClose),
            _ => Err(malformed("framing fields", format!("{codings:?} {lengths:?}").as_bytes())),
        }
    }
}

/// The size in a chunk's first line: hexadecimal digits and nothing else.
pub(super) fn chunk_size(line: &[u8]) -> Result<u64, ResponseError> {
    let text =
        std::str::from_utf8(line).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    text.and_then(|text| u64::from_str_radix(text, 16).ok()).ok_or_else(|| malformed("chunk size", line))
}
