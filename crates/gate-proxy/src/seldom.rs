//! A line in the log once in a while, however often there is something to say.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Lets one of many through, and counts the others.
#[derive(Debug)]
pub(crate) struct Seldom {
    last: Cell<Option<Instant>>,
    unsaid: Cell<u64>,
}

impl Seldom {
    /// Nothing was said yet.
    pub(crate) const fn new() -> Self {
        Seldom { last: Cell::new(None), unsaid: Cell::new(0) }
    }

    /// One more: how many it stands for if it is to be said, `None` if it is not.
    pub(crate) fn say(&self, now: Instant) -> Option<u64> {
        let count = self.unsaid.get() + 1;
        if self.last.get().is_some_and(|last| now.saturating_duration_since(last) < EVERY) {
            self.unsaid.set(count);
            return None;
        }
        self.last.set(Some(now));
        self.unsaid.set(0);
        Some(count)
    }
}

/// A person reads no faster, and a machine sums up the counts.
const EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_and_the_next_stands_for_those_in_between() {
        let (seldom, now) = (Seldom::new(), Instant::now());
        assert_eq!(seldom.say(now), Some(1));
        assert_eq!((seldom.say(now), seldom.say(now + EVERY / 2)), (None, None));
        assert_eq!(seldom.say(now + EVERY), Some(3));
    }
}
