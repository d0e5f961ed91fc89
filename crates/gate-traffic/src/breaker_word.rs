//! What of a breaker is read without a lock, in one word.

use crate::sync::AtomicU64;
use std::sync::atomic::Ordering;

/// What a breaker does with a request, as far as that can be said without a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Not configured: everything passes, nothing is counted.
    Off,
    /// Everything passes, results are counted.
    Closed,
    /// Open or half-open: which of them, and who may pass, is behind the lock.
    Tripped,
}

/// The word, taken apart.
///
/// ```text
/// 63            32 31   30 29            28           0
/// ┌───────────────┬───────┬──────────────┬────────────┐
/// │ generation    │ mode  │ share counts │ failures   │
/// └───────────────┴───────┴──────────────┴────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Counts changes of mode, and trips: a result counts only in the generation its request was admitted in (H53).
    pub(crate) generation: u32,
    /// What is done with a request.
    pub(crate) mode: Mode,
    /// Results are also counted in the failure window.
    pub(crate) share_counts: bool,
    /// Failures in a row, those of probes included.
    pub(crate) failures: u32,
}

impl Word {
    /// This word in the next generation.
    pub(crate) fn next(self, mode: Mode, failures: u32) -> Self {
        Word { generation: self.generation.wrapping_add(1), mode, failures, ..self }
    }

    /// One failure more.
    pub(crate) fn after_failure(self) -> Self {
        Word { failures: self.failures.saturating_add(1).min(FAILURES), ..self }
    }

    /// Results of requests of `generation` count while this is the word of a closed breaker.
    pub(crate) fn is_closed_in(self, generation: u32) -> bool {
        self.mode == Mode::Closed && self.generation == generation
    }

    fn pack(self) -> u64 {
        let mode = match self.mode {
            Mode::Off => 0,
            Mode::Closed => CLOSED,
            Mode::Tripped => TRIPPED,
        };
        let share_counts = if self.share_counts { SHARE_COUNTS } else { 0 };
        u64::from(self.generation) << 32 | u64::from(mode | share_counts | self.failures.min(FAILURES))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the halves are meant")]
    fn unpack(packed: u64) -> Self {
        let low = packed as u32;
        let mode = match low & (CLOSED | TRIPPED) {
            CLOSED => Mode::Closed,
            TRIPPED => Mode::Tripped,
            _ => Mode::Off,
        };
        Word {
            generation: (packed >> 32) as u32,
            mode,
            share_counts: low & SHARE_COUNTS != 0,
            failures: low & FAILURES,
        }
    }
}

const TRIPPED: u32 = 1 << 31;
const CLOSED: u32 = 1 << 30;
const SHARE_COUNTS: u32 = 1 << 29;
const FAILURES: u32 = SHARE_COUNTS - 1;

/// The word of one breaker. Its mode and generation change under the breaker's lock alone.
#[derive(Debug)]
pub(crate) struct SharedWord(AtomicU64);

impl SharedWord {
    /// A breaker that is off.
    pub(crate) fn off() -> Self {
        let word = Word { generation: 0, mode: Mode::Off, share_counts: false, failures: 0 };
        SharedWord(AtomicU64::new(word.pack()))
    }

    /// The word as it is now. Acquire: who sees a breaker closed also sees its window emptied.
    #[inline]
    pub(crate) fn load(&self) -> Word {
        Word::unpack(self.0.load(Ordering::Acquire))
    }

    /// Replaces it, whatever was counted meanwhile. A swap: it follows upon what it replaces, and no count comes between.
    pub(crate) fn replace(&self, word: Word) {
        self.0.swap(word.pack(), Ordering::AcqRel);
    }

    /// Changes it, unless `change` says that there is nothing to change. Returns the word as it is then.
    pub(crate) fn update(&self, change: impl Fn(Word) -> Option<Word>) -> Word {
        let mut seen = self.0.load(Ordering::Acquire);
        loop {
            let Some(changed) = change(Word::unpack(seen)) else { return Word::unpack(seen) };
            match self.0.compare_exchange(seen, changed.pack(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return changed,
                Err(newer) => seen = newer,
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_what_was_packed_into_it() {
        for mode in [Mode::Off, Mode::Closed, Mode::Tripped] {
            for (generation, share_counts, failures) in
                [(0, false, 0), (u32::MAX, true, FAILURES), (7, true, 3)]
            {
                let word = Word { generation, mode, share_counts, failures };
                assert_eq!(Word::unpack(word.pack()), word);
            }
        }
    }

    #[test]
    fn failures_stop_counting_before_they_reach_the_mode() {
        let word = Word { generation: 1, mode: Mode::Closed, share_counts: false, failures: FAILURES };
        assert_eq!(word.after_failure(), word);
    }
}
