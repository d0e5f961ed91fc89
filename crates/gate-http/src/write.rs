//! Writing heads and chunk framing.

/// What begins behind the data of a chunked body without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// The head does not fit the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("head does not fit the buffer")]
pub struct HeadTooLarge;

/// Writes a head into a buffer, front to back, and never past its end.
#[derive(Debug)]
pub struct HeadWriter<'a> {
    buffer: &'a mut [u8],
    length: usize,
    overflowed: bool,
}

impl<'a> HeadWriter<'a> {
    /// Starts at the front of `buffer`.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, length: 0, overflowed: false }
    }
    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.length..self.length + bytes.len()) {
            Some(room) if !self.overflowed => {
                room.copy_from_slice(bytes);
                self.length += bytes.len();
            }
            _ => self.overflowed = true,
        }
    }
    /// Writes a request line; the target is the parts put together.
    pub fn request_line(&mut self, method: &[u8], target: &[&[u8]]) {
        self.raw(method);
        self.raw(b" ");
        target.iter().for_each(|part| self.raw(part));
        self.raw(b" HTTP/1.1\r\n");
    }
    /// Writes a status line.
    pub fn status_line(&mut self, status: u16, reason: &[u8]) {
        let _ = (status, reason);
    }
    /// Writes a field line.
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        self.field_parts(name, &[value]);
    }
    /// Writes a field line; the value is the parts put together.
    pub fn field_parts(&mut self, name: &[u8], value: &[&[u8]]) {
        self.raw(name);
        self.raw(b": ");
        value.iter().for_each(|part| self.raw(part));
        self.raw(b"\r\n");
    }
    /// Writes a Content-Length line.
    pub fn content_length(&mut self, length: u64) {
        let _ = length;
    }
    /// Writes the blank line.
    pub fn end(&mut self) {
        self.raw(b"\r\n");
    }
    /// How many bytes were written, if all of them fitted.
    pub fn finish(self) -> Result<usize, HeadTooLarge> {
        if self.overflowed { Err(HeadTooLarge) } else { Ok(self.length) }
    }
}

/// Writes the size line of a chunk at the end of `out`, so that the data may follow it in one buffer.
/// Returns where in `out` the line starts.
pub fn write_chunk_size(out: &mut [u8; 18], size: u64) -> usize {
    let _ = size;
    out.len()
}
