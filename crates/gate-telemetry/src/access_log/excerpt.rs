//! Some requests of every second, for the request log: those that failed before those that did not.

use super::entry::AccessEntry;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

/// Takes an entry. Called on a worker's thread: it must not wait.
pub type TakeEntry = Arc<dyn Fn(&AccessEntry<'_>) + Send + Sync>;

/// Some requests of every second, of all workers together. Cheap to clone; all clones share what there is of a second.
#[derive(Clone)]
pub(super) struct Excerpt {
    take: TakeEntry,
    share: Arc<Share>,
}

/// What has been taken: in the upper half the second (since 1970, cut to 32 bits), below it the failures and the successes of
/// that second, 16 bits each.
#[derive(Debug, Default)]
struct Share {
    taken: AtomicU64,
    /// How many requests were left out since the start.
    left_out: AtomicU64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Taken {
    second: u32,
    failures: u16,
    successes: u16,
}

impl Excerpt {
    pub(super) fn new(take: TakeEntry) -> Self {
        Excerpt { take, share: Arc::default() }
    }

    /// Hands the entry on if there is room for it in its second; whether it did.
    pub(super) fn offer(&self, entry: &AccessEntry<'_>) -> bool {
        let second = entry.time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "seconds are compared with their neighbours alone"
        )]
        let is_taken = self.share.take(second as u32, entry.is_success());
        if is_taken {
            (self.take)(entry);
        }
        is_taken
    }

    /// Requests were not taken.
    pub(super) fn leave_out(&self, requests: u64) {
        self.share.left_out.fetch_add(requests, Ordering::Relaxed);
    }

    pub(super) fn left_out(&self) -> u64 {
        self.share.left_out.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Excerpt").field("share", &self.share).finish_non_exhaustive()
    }
}

impl Share {
    /// Whether one more of this second may be taken. Writes only if it may.
    fn take(&self, second: u32, is_success: bool) -> bool {
        let next = |word| Taken::from_word(word).with(second, is_success).map(Taken::to_word);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

impl Taken {
    /// With one more; none if that is too many.
    fn with(self, second: u32, is_success: bool) -> Option<Self> {
        let mut taken = if self.covers(second) { self } else { Taken { second, ..Taken::default() } };
        if taken.failures + taken.successes >= REQUESTS_MAX || is_success && taken.successes >= SUCCESSES_MAX
        {
            return None;
        }
        if is_success {
            taken.successes += 1;
        } else {
            taken.failures += 1;
        }
        Some(taken)
    }

    /// Whether the second is this one, or the one before, which to another worker is not over yet.
    fn covers(self, second: u32) -> bool {
        self.second.wrapping_sub(second) <= 1
    }

    #[expect(clippy::cast_possible_truncation, reason = "takes the word apart")]
    fn from_word(word: u64) -> Self {
        Taken { second: (word >> 32) as u32, failures: (word >> 16) as u16, successes: word as u16 }
    }

    fn to_word(self) -> u64 {
        u64::from(self.second) << 32 | u64::from(self.failures) << 16 | u64::from(self.successes)
    }
}

/// A row in the store is some hundred times as expensive as a line in a file: what people can read is enough.
const REQUESTS_MAX: u16 = 50;
/// Leaves most of it to what went wrong.
const SUCCESSES_MAX: u16 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_find_room_when_successes_find_none() {
        let share = Share::default();
        let taken = |second, is_success| (0..1000).filter(|_| share.take(second, is_success)).count();
        assert_eq!((taken(7, true), taken(7, false)), (20, 30));
        assert_eq!((taken(8, false), taken(8, true)), (50, 0));
    }

    #[test]
    fn workers_that_do_not_agree_on_the_second_share_one() {
        let share = Share::default();
        let taken = (0..1000).filter(|number| share.take(8 - number % 2, false)).count();
        assert_eq!(taken, 50);
    }

    #[test]
    fn a_clock_that_was_set_back_begins_anew() {
        let share = Share::default();
        let taken = |second| (0..1000).filter(|_| share.take(second, false)).count();
        assert_eq!((taken(10_000), taken(7), taken(u32::MAX), taken(0)), (50, 50, 50, 50));
    }

    #[test]
    fn a_word_is_what_it_was_made_from() {
        let taken = Taken { second: u32::MAX - 1, failures: 3, successes: u16::MAX };
        assert_eq!(Taken::from_word(taken.to_word()), taken);
    }
}
