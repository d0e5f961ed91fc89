//! A number that goes up and down.

use std::sync::atomic::{AtomicI64, Ordering};

/// How many there are of something that comes and goes. One thread writes it, any may read it.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// There are none.
    pub const fn new() -> Self {
        Gauge(AtomicI64::new(0))
    }

    /// One more.
    #[inline]
    pub fn up(&self) {
        self.set(self.get().wrapping_add(1));
    }

    /// One less.
    #[inline]
    pub fn down(&self) {
        self.set(self.get().wrapping_sub(1));
    }

    /// As many as somebody else has counted.
    #[inline]
    pub fn set(&self, count: i64) {
        self.0.store(count, Ordering::Relaxed);
    }

    /// How many there are now.
    #[inline]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_back_at_zero_when_all_have_gone() {
        let gauge = Gauge::new();
        gauge.up();
        gauge.up();
        gauge.down();
        assert_eq!(gauge.get(), 1);
        gauge.down();
        assert_eq!(gauge.get(), 0);
    }
}
