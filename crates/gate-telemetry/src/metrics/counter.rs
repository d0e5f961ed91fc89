//! A number that grows.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that grows. One thread adds to it, any may read it: what two threads add at the same time may be lost.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Nothing yet.
    pub const fn new() -> Self {
        Counter(AtomicU64::new(0))
    }

    /// Adds to it. A load and a store: the writer is alone.
    #[inline]
    pub fn add(&self, count: u64) {
        self.0.store(self.get().wrapping_add(count), Ordering::Relaxed);
    }

    /// Makes it a number that was counted elsewhere and has grown there.
    #[inline]
    pub fn grow_to(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }

    /// The number as it is now.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_the_sum_of_what_was_added() {
        static COUNTER: Counter = Counter::new();
        COUNTER.add(1);
        COUNTER.add(41);
        assert_eq!(COUNTER.get(), 42);
    }
}
