//! As much HTTP/1.1 as a load generator and its upstream need: message heads and body framing.
//!
//! Deliberately independent of the gateway's own codec, so that a mistake there cannot hide here.

mod body;
mod chunked;
mod head;

pub(crate) use body::Body;
pub(crate) use head::{Head, parse_head};

/// Why bytes are not the HTTP message they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the start line or a header line is not HTTP/1.1")]
    Head,
    #[error("the content length is not a number")]
    ContentLength,
    #[error("the chunk framing is broken")]
    Chunk,
}
