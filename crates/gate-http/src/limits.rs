//! How much of a message this codec takes before it refuses it.
//!
//! A head is kept whole in one buffer of the caller (32 KiB), so no limit here is larger than that.
//! None of them is configurable downwards to something unusable or upwards past the buffer: they are
//! what keeps the cost of a hostile peer small and known.

/// Bytes of a request method. The longest registered one (`UPDATEREDIRECTREF`) has 17.
pub const METHOD_BYTES_MAX: usize = 32;

/// Bytes of a request target; more is 414. RFC 9112 section 3 asks for at least 8000 in the whole line.
pub const TARGET_BYTES_MAX: usize = 8 * 1024;

/// Bytes of a request line with its CRLF: the longest method and target, two spaces, `HTTP/1.1`.
pub const REQUEST_LINE_BYTES_MAX: usize = METHOD_BYTES_MAX + 1 + TARGET_BYTES_MAX + 1 + 8 + 2;

/// Bytes of one field line or status line with its CRLF; more is 431. Tokens and cookies in the wild
/// stay below 8 KiB, since that is what most servers take.
pub const LINE_BYTES_MAX: usize = 16 * 1024;

/// Bytes of a whole head, blank line included; more is 431. The size of the buffer it must fit in.
pub const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Field lines of a request; more is 431. Browsers send about 20, the common proxies allow 100.
pub const REQUEST_FIELDS_MAX: usize = 100;

/// Field lines of a response. Upstreams are less hostile than clients and set many cookies.
pub const RESPONSE_FIELDS_MAX: usize = 200;

/// Empty lines skipped before a request line. RFC 9112 section 2.2 asks for one; some old clients
/// send two after a body.
pub const LEADING_EMPTY_LINES_MAX: u8 = 2;

/// Digits of a Content-Length: as many as 2⁶³ − 1 has.
pub const CONTENT_LENGTH_DIGITS_MAX: usize = 19;

/// Bytes of a host name (RFC 1035 section 2.3.4).
pub const HOST_BYTES_MAX: usize = 255;

/// Hexadecimal digits of a chunk size: as many as a 64-bit number has.
pub const CHUNK_SIZE_DIGITS_MAX: usize = 16;

/// Bytes of the extensions on one chunk line, from the first `;`. Signatures used in the wild need about 90.
pub const CHUNK_EXTENSION_BYTES_MAX: usize = 256;

/// Bytes of a chunk line: digits, extensions, CRLF.
pub const CHUNK_LINE_BYTES_MAX: usize = CHUNK_SIZE_DIGITS_MAX + CHUNK_EXTENSION_BYTES_MAX + 2;

/// Bytes of all chunk extensions of one body. They are read and thrown away, so without this bound a
/// peer could make us read for ever without sending any data.
pub const CHUNK_EXTENSIONS_BYTES_MAX: usize = 16 * 1024;

/// Bytes of a trailer section, blank line included.
pub const TRAILER_BYTES_MAX: usize = 8 * 1024;

/// Field lines of a trailer section.
pub const TRAILER_FIELDS_MAX: usize = 100;
