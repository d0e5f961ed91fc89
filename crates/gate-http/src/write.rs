//! Heads and chunk framing on their way to the wire.

/// What ends a chunked body without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Bytes of the longest size line of a chunk: sixteen digits and CRLF.
pub const CHUNK_SIZE_LINE_BYTES_MAX: usize = 18;

/// The head does not fit the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("head does not fit the buffer")]
pub struct HeadTooLarge;

/// Writes a head into a buffer, front to back, and never past its end.
///
/// Bytes are written as they are given: names and values come from a parsed head or were checked with
/// [`is_token`](crate::is_token) and [`is_field_value`](crate::is_field_value) before. What does not fit is
/// left out and only [`HeadWriter::finish`] tells.
#[derive(Debug)]
pub struct HeadWriter<'a> {
    buffer: &'a mut [u8],
    length: usize,
    has_overflowed: bool,
}

impl<'a> HeadWriter<'a> {
    /// Starts at the front of `buffer`.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, length: 0, has_overflowed: false }
    }

    /// Writes bytes as they are.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        match self.buffer.get_mut(self.length..end) {
            Some(room) if !self.has_overflowed => {
                room.copy_from_slice(bytes);
                self.length = end;
            }
            _ => self.has_overflowed = true,
        }
    }

    /// Writes a request line. The target is its parts put together.
    #[inline]
    pub fn request_line(&mut self, method: &[u8], target_parts: &[&[u8]]) {
        self.raw(method);
        self.raw(b" ");
        self.all(target_parts);
        self.raw(b" HTTP/1.1\r\n");
    }

    /// Writes a status line. `status` has three digits.
    #[inline]
    pub fn status_line(&mut self, status: u16, reason: &[u8]) {
        let mut digits = [0; DECIMAL_DIGITS_MAX];
        self.raw(b"HTTP/1.1 ");
        self.raw(decimal(&mut digits, u64::from(status)));
        self.raw(b" ");
        self.raw(reason);
        self.raw(b"\r\n");
    }

    /// Writes a field line.
    #[inline]
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        self.field_parts(name, &[value]);
    }

    /// Writes a field line. The value is its parts put together.
    #[inline]
    pub fn field_parts(&mut self, name: &[u8], value_parts: &[&[u8]]) {
        debug_assert!(crate::is_token(name), "field name from nowhere");
        debug_assert!(value_parts.iter().all(|part| crate::is_field_value(part)), "field value from nowhere");
        self.raw(name);
        self.raw(b": ");
        self.all(value_parts);
        self.raw(b"\r\n");
    }

    /// Writes a Content-Length field.
    #[inline]
    pub fn content_length(&mut self, length: u64) {
        let mut digits = [0; DECIMAL_DIGITS_MAX];
        self.field(b"Content-Length", decimal(&mut digits, length));
    }

    /// Writes the blank line.
    pub fn end(&mut self) {
        self.raw(b"\r\n");
    }

    /// The number of bytes written, if all of them fitted.
    pub fn finish(self) -> Result<usize, HeadTooLarge> {
        if self.has_overflowed { Err(HeadTooLarge) } else { Ok(self.length) }
    }

    fn all(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.raw(part);
        }
    }
}

/// Writes the size line of a chunk at the end of `out`, so that its data can stand right behind it in the
/// same buffer. Returns where in `out` the line starts. The data needs a CRLF behind it.
pub fn write_chunk_size(out: &mut [u8; CHUNK_SIZE_LINE_BYTES_MAX], size: u64) -> usize {
    let [digits @ .., carriage_return, line_feed] = out;
    (*carriage_return, *line_feed) = (b'\r', b'\n');
    write_digits(digits, size, 16)
}

/// Digits of the largest 64-bit number.
const DECIMAL_DIGITS_MAX: usize = 20;

/// Writes `number` at the end of `digits` and returns it.
fn decimal(digits: &mut [u8; DECIMAL_DIGITS_MAX], number: u64) -> &[u8] {
    let start = write_digits(digits, number, 10);
    digits.get(start..).unwrap_or_default()
}

/// Writes `number` to the `base` (at most 16) at the end of `out`, at least one digit. Returns where it starts.
/// Inlined: where the base is known, nothing has to be divided.
#[inline]
fn write_digits(out: &mut [u8], mut number: u64, base: u64) -> usize {
    let mut start = out.len();
    for slot in out.iter_mut().rev() {
        *slot = digit(number % base);
        start -= 1;
        number /= base;
        if number == 0 {
            break;
        }
    }
    start
}

#[expect(clippy::cast_possible_truncation, reason = "a remainder below 16")]
fn digit(value: u64) -> u8 {
    let value = value as u8;
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}
