//! HTTP/1.1 as pure functions over bytes: heads, body framing, and their way back onto the wire.
//!
//! Owns the whole of RFC 9112 that a gateway needs. Knows nothing about sockets, time, tasks, buffers'
//! owners, routes or configuration, and allocates nothing per message once its vectors have grown.
//!
//! The policy is to reject and never to repair: bytes that two parsers could read in two ways are
//! refused, and what is accepted is sent on in one canonical form.

mod authority;
mod chunk_line;
mod chunked;
mod connection;
mod field;
mod field_name;
mod framing;
mod grammar;
pub mod limits;
mod message;
mod method;
pub mod path;
mod request;
mod request_error;
mod request_line;
mod response;
mod section;
mod span;
mod status_line;
mod target;
mod trailers;
mod write;

pub use chunked::{ChunkError, ChunkedDecoder, Decoded, Scan};
pub use field::{FieldError, FieldLine};
pub use field_name::FieldName;
pub use framing::FramingError;
pub use grammar::{is_field_value, is_token};
pub use message::{Progress, Version};
pub use method::Method;
pub use request::{RequestBody, RequestHead};
pub use request_error::RequestError;
pub use response::{ResponseBody, ResponseError, ResponseHead};
pub use span::Span;
pub use trailers::{Trailers, may_be_trailer};
pub use write::{CHUNK_SIZE_LINE_BYTES_MAX, HeadTooLarge, HeadWriter, LAST_CHUNK, write_chunk_size};
