//! Where in the parsed bytes something stands.

/// A range of the bytes a head was parsed from. It borrows nothing, so a head can be kept beside the
/// buffer it describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The range `start..end`, both within one head.
    #[expect(clippy::cast_possible_truncation, reason = "positions in a head are below HEAD_BYTES_MAX")]
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The bytes of this range. Empty when `bytes` is too short to hold it.
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start()..self.end()).unwrap_or_default()
    }

    /// The offset of the first byte.
    #[inline]
    pub const fn start(self) -> usize {
        self.start as usize
    }

    /// The offset behind the last byte.
    #[inline]
    pub const fn end(self) -> usize {
        self.end as usize
    }

    /// The number of bytes.
    #[inline]
    pub const fn len(self) -> usize {
        self.end().saturating_sub(self.start())
    }

    /// Whether there are no bytes at all.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}
