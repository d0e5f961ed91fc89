//! The relay buffers: 32 KiB each, pooled per worker, held only while bytes are in flight.
//!
//! A head that waits for its answer, in case it has to be sent again, is kept in a small one: a thousand waiting
//! requests hold 2 MiB then, not 32, and a burst of them does not wash the processor's cache. One that waits for a connection, or
//! for its turn, has a buffer of its own size, since all of a burst wait at one time. An idle keep-alive connection
//! and a stream between two events hold none. Where the memory comes from is in `buffer_pool.rs`.

use crate::buffer_pool;
use std::ops::Range;

pub(crate) use crate::buffer_pool::CAPACITY;

/// A buffer that is filled at its end and consumed at its front.
///
/// Invariant: `start <= end <= bytes.len()`, and both are 0 when nothing is filled. They have 32 bits: each connection has room
/// for four of these.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Box<[u8]>,
    start: u32,
    end: u32,
}

impl Buffer {
    /// An empty buffer, from the pool of this thread if it has one.
    pub(crate) fn take() -> Self {
        Self::over(buffer_pool::take_large())
    }

    /// An empty small buffer: for a head alone, which is then kept for a while.
    pub(crate) fn take_small() -> Self {
        Self::over(buffer_pool::take_small())
    }

    /// An empty buffer of a size of its own, which no pool has.
    pub(crate) fn of_capacity(capacity: usize) -> Self {
        Self::over(vec![0; capacity].into_boxed_slice())
    }

    /// A buffer that has room for those bytes alone, and holds them.
    pub(crate) fn fitting(bytes: &[u8]) -> Self {
        let mut buffer = Self::over(bytes.into());
        buffer.end = position(bytes.len());
        buffer
    }

    fn over(bytes: Box<[u8]>) -> Self {
        Buffer { bytes, start: 0, end: 0 }
    }

    /// What was filled and not yet consumed.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(self.range()).unwrap_or_default()
    }

    /// Same, to be changed in place.
    pub(crate) fn filled_mut(&mut self) -> &mut [u8] {
        let range = self.range();
        self.bytes.get_mut(range).unwrap_or_default()
    }

    /// Where the next bytes go.
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.end as usize..).unwrap_or_default()
    }

    /// The first `count` bytes of [`Buffer::spare`] were written.
    pub(crate) fn fill(&mut self, count: usize) {
        self.end = position((self.end as usize + count).min(self.bytes.len()));
    }

    /// The first `count` bytes of [`Buffer::filled`] are done with.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = position((self.start as usize + count).min(self.end as usize));
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Appends as much of `bytes` as fits and says how much that was.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> usize {
        let spare = self.spare();
        let count = bytes.len().min(spare.len());
        let (room, fitting) = (spare.get_mut(..count), bytes.get(..count));
        if let (Some(room), Some(fitting)) = (room, fitting) {
            room.copy_from_slice(fitting);
        }
        self.fill(count);
        count
    }

    /// Moves what is filled to the front, so that all the room is behind it.
    pub(crate) fn make_room(&mut self) {
        if self.start > 0 {
            self.bytes.copy_within(self.range(), 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
    }

    /// Moves what is filled into a large buffer if it fills a smaller one.
    pub(crate) fn enlarge_if_full(&mut self) {
        if self.is_full() && self.is_small() {
            let mut large = Buffer::take();
            large.append(self.filled());
            *self = large;
        }
    }

    /// How many bytes fit behind what is filled, once that has been moved to the front.
    pub(crate) fn room(&self) -> usize {
        self.bytes.len() - self.range().len()
    }

    /// Whether there are larger ones.
    pub(crate) fn is_small(&self) -> bool {
        self.bytes.len() < CAPACITY
    }

    /// Whether nothing is filled.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether not one byte more fits.
    pub(crate) fn is_full(&self) -> bool {
        self.range().len() == self.bytes.len()
    }

    fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A place in a buffer, or a number of its bytes: none has 4 GiB.
#[expect(clippy::cast_possible_truncation, reason = "it is within the buffer")]
pub(crate) fn position(place: usize) -> u32 {
    place as u32
}

impl Drop for Buffer {
    fn drop(&mut self) {
        buffer_pool::put(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_the_order_they_went_in() {
        let mut buffer = Buffer::take();
        assert_eq!(buffer.append(b"hello "), 6);
        assert_eq!(buffer.append(b"world"), 5);
        buffer.consume(6);
        assert_eq!(buffer.filled(), b"world");
        buffer.make_room();
        assert_eq!(buffer.filled(), b"world");
        assert_eq!(buffer.spare().len(), CAPACITY - 5);
        buffer.consume(5);
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_full_buffer_takes_nothing_more() {
        let mut buffer = Buffer::take();
        assert_eq!(buffer.append(&vec![1; CAPACITY + 1]), CAPACITY);
        assert!(buffer.is_full());
        assert_eq!(buffer.append(b"x"), 0);
    }

    #[test]
    fn a_small_buffer_that_is_full_becomes_a_large_one() {
        let mut buffer = Buffer::take_small();
        buffer.append(b"abc");
        buffer.enlarge_if_full();
        assert!(buffer.is_small());
        buffer.append(&vec![1; buffer_pool::SMALL_CAPACITY]);
        buffer.enlarge_if_full();
        assert!(!buffer.is_small() && buffer.filled().starts_with(b"abc"));
        assert_eq!(buffer.filled().len(), buffer_pool::SMALL_CAPACITY);
        assert_eq!(buffer.append(b"more"), 4);
    }

    #[test]
    fn a_buffer_that_fits_has_room_for_more_once_it_is_enlarged() {
        let mut buffer = Buffer::fitting(b"abc");
        assert!(buffer.is_full() && buffer.is_small());
        buffer.enlarge_if_full();
        assert_eq!((buffer.append(b"def"), buffer.filled()), (3, b"abcdef".as_slice()));
        assert!(!buffer.is_small());
    }

    #[test]
    fn a_dropped_buffer_is_the_next_one_taken() {
        let mut buffer = Buffer::take();
        buffer.append(b"marked");
        drop(buffer);
        let mut again = Buffer::take();
        assert!(again.is_empty());
        assert!(again.spare().starts_with(b"marked"));
    }
}
