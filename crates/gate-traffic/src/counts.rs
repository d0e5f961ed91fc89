//! The numbers of a limiter in one word, and how they change.

use crate::sync::AtomicU64;
use std::sync::atomic::Ordering;

/// How many run, how many wait, and how many may run, as they are at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// How many may run; 0 = as many as can be counted.
    pub(crate) limit: u32,
    /// How many wait.
    pub(crate) waiting: u32,
    /// How many run.
    pub(crate) in_flight: u32,
}

/// [`Counts`] that all workers share.
#[derive(Debug)]
pub(crate) struct SharedCounts(AtomicU64);

/// 1 million: a hundred times what records allow.
const LIMIT_MAX: u32 = (1 << LIMIT_BITS) - 1;
/// 1 million: ten times what records allow.
const WAITING_MAX: u32 = (1 << WAITING_BITS) - 1;
/// 16 million: no machine holds as many connections.
const IN_FLIGHT_MAX: u32 = (1 << IN_FLIGHT_BITS) - 1;

const LIMIT_BITS: u32 = 20;
const WAITING_BITS: u32 = 20;
const IN_FLIGHT_BITS: u32 = 24;

impl Counts {
    /// With another limit; a limit that cannot be counted to is the highest that can.
    pub(crate) fn limited(self, limit: u32) -> Self {
        Self { limit: limit.min(LIMIT_MAX), ..self }
    }

    /// With one more running; `None` if there is no room, or somebody waits for it already.
    pub(crate) fn admitted(self) -> Option<Self> {
        (self.waiting == 0 && self.has_room()).then(|| Self { in_flight: self.in_flight + 1, ..self })
    }

    /// With one more waiting; `None` if `max_waiting` do.
    pub(crate) fn joined(self, max_waiting: u32) -> Option<Self> {
        (self.waiting < max_waiting.min(WAITING_MAX)).then(|| Self { waiting: self.waiting + 1, ..self })
    }

    /// With one waiting less, who found it too long.
    pub(crate) fn left(self) -> Self {
        Self { waiting: self.waiting.saturating_sub(1), ..self }
    }

    /// With one waiting less and one more running; `None` if nobody waits or there is no room.
    pub(crate) fn handed_out(self) -> Option<Self> {
        (self.waiting > 0 && self.has_room()).then(|| Self {
            waiting: self.waiting - 1,
            in_flight: self.in_flight + 1,
            ..self
        })
    }

    /// With one less running; `None` if somebody may be waiting for what it held.
    pub(crate) fn released_unwatched(self) -> Option<Self> {
        (self.waiting == 0).then(|| self.released())
    }

    /// With one less running, and the first who waits in its place if there is room.
    pub(crate) fn released_or_handed_over(self) -> Self {
        let released = self.released();
        released.handed_out().unwrap_or(released)
    }

    /// Whether what comes free is for somebody who waits.
    pub(crate) fn hands_over(self) -> bool {
        self.released().handed_out().is_some()
    }

    fn released(self) -> Self {
        Self { in_flight: self.in_flight.saturating_sub(1), ..self }
    }

    fn has_room(self) -> bool {
        let limit = if self.limit == 0 { IN_FLIGHT_MAX } else { self.limit };
        self.in_flight < limit
    }

    fn pack(self) -> u64 {
        u64::from(self.limit) << (WAITING_BITS + IN_FLIGHT_BITS)
            | u64::from(self.waiting) << IN_FLIGHT_BITS
            | u64::from(self.in_flight)
    }

    fn unpack(word: u64) -> Self {
        Self {
            limit: bits(word >> (WAITING_BITS + IN_FLIGHT_BITS), LIMIT_MAX),
            waiting: bits(word >> IN_FLIGHT_BITS, WAITING_MAX),
            in_flight: bits(word, IN_FLIGHT_MAX),
        }
    }
}

impl SharedCounts {
    /// Nobody runs, nobody waits, nothing is limited.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The counts as they are now.
    pub(crate) fn load(&self) -> Counts {
        Counts::unpack(self.0.load(Ordering::Acquire))
    }

    /// Puts in their place what `change` makes of the counts, if anything, and returns what they were.
    pub(crate) fn try_change(&self, change: impl Fn(Counts) -> Option<Counts>) -> Result<Counts, Counts> {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                change(Counts::unpack(word)).map(Counts::pack)
            })
            .map(Counts::unpack)
            .map_err(Counts::unpack)
    }

    /// Puts in their place what `change` makes of the counts, and returns what they were.
    pub(crate) fn change(&self, change: impl Fn(Counts) -> Counts) -> Counts {
        match self.try_change(|counts| Some(change(counts))) {
            Ok(before) | Err(before) => before,
        }
    }
}

/// The lowest bits of a word, as many as `mask` has.
#[expect(clippy::cast_possible_truncation, reason = "the mask has 32 bits")]
fn bits(word: u64, mask: u32) -> u32 {
    (word & u64::from(mask)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_holds_every_number_at_its_largest() {
        let largest = Counts { limit: LIMIT_MAX, waiting: WAITING_MAX, in_flight: IN_FLIGHT_MAX };
        for counts in [
            largest,
            Counts { limit: 0, ..largest },
            Counts { waiting: 0, ..largest },
            Counts { in_flight: 0, ..largest },
        ] {
            assert_eq!(Counts::unpack(counts.pack()), counts);
        }
    }

    #[test]
    fn no_number_flows_over_into_the_next() {
        let unlimited = Counts { limit: 0, waiting: 0, in_flight: IN_FLIGHT_MAX };
        assert_eq!(unlimited.admitted(), None);
        let waiting = Counts { waiting: WAITING_MAX, ..unlimited };
        assert_eq!(waiting.joined(u32::MAX), None);
    }
}
