//! HTTP/1.1 as pure functions over bytes: heads, body framing, and their way back onto the wire.
//!
//! Owns the whole of RFC 9112 that a gateway needs. Knows nothing about sockets, time, tasks, buffers'
//! owners, routes or configuration, and allocates nothing per message once its vectors have grown.
//!
//! The policy is to reject and never to repair: bytes that two parsers could read in two ways are
//! refused, and what is accepted is sent on in one canonical form.

mod chunked;
mod field;
mod field_name;
pub mod limits;
mod message;
pub mod path;
mod request;
mod response;
mod span;
mod trailers;
mod write;

pub use chunked::{ChunkError, ChunkedDecoder, Decoded, Scan};
pub use field::{FieldError, FieldLine};
pub use field_name::FieldName;
pub use message::{Progress, Version};
pub use request::{Method, RequestBody, RequestError, RequestHead};
pub use response::{ResponseBody, ResponseError, ResponseHead};
pub use span::Span;
pub use trailers::{Trailers, may_be_trailer};
pub use write::{HeadTooLarge, HeadWriter, LAST_CHUNK, write_chunk_size};
