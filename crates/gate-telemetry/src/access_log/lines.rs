//! Lines one behind the other, as they are handed over.

/// Lines one behind the other.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    count: u32,
}

impl Lines {
    /// Appends one line; `write` ends it with a line feed and has no other in it.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(BUFFER_BYTES + LINE_BYTES);
        }
        write(&mut self.bytes);
        self.count += 1;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether it is time to hand them over.
    pub(super) fn are_many(&self) -> bool {
        self.bytes.len() >= BUFFER_BYTES
    }
}

/// So many lines at a time, some thirty, that handing them over costs next to nothing for each.
const BUFFER_BYTES: usize = 16 * 1024;
/// Room for the line that fills the buffer, unless it is a very long one.
const LINE_BYTES: usize = 2 * 1024;
