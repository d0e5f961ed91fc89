//! The share of failures in a sliding window, counted without a lock.

use crate::BreakerConfig;
use crate::sliding_window::{Counts, SlidingWindow};
use crate::sync::{AtomicU32, AtomicU64};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The results of the last while, and whether too many of them are failures.
#[derive(Debug)]
pub(crate) struct FailureWindow {
    results: SlidingWindow,
    /// The share, as the bits of an `f64`.
    rate: AtomicU64,
    min_requests: AtomicU32,
}

/// What was seen in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowCounts {
    /// Requests with a result.
    pub requests: u32,
    /// Those of them that failed.
    pub failures: u32,
}

impl FailureWindow {
    /// Empty, and steered by the default configuration.
    pub(crate) fn new(now: Instant) -> Self {
        FailureWindow {
            results: SlidingWindow::new(BreakerConfig::WINDOW, now),
            rate: AtomicU64::new(BreakerConfig::FAILURE_RATE.to_bits()),
            min_requests: AtomicU32::new(BreakerConfig::MIN_REQUESTS),
        }
    }

    /// Steered by another configuration from now on. Another window begins empty.
    pub(crate) fn configure(&self, config: &BreakerConfig) {
        self.rate.store(config.failure_rate.to_bits(), Ordering::Relaxed);
        self.min_requests.store(config.min_requests, Ordering::Relaxed);
        self.results.resize(config.window);
    }

    /// Counts a result.
    #[inline]
    pub(crate) fn count(&self, is_failure: bool, now: Instant) {
        self.results.add(Counts { requests: 1, others: u32::from(is_failure) }, now);
    }

    /// Whether enough requests were seen, and too many of them failed.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        let WindowCounts { requests, failures } = self.counts(now);
        let rate = f64::from_bits(self.rate.load(Ordering::Relaxed));
        requests >= self.min_requests.load(Ordering::Relaxed).max(1)
            && f64::from(failures) >= rate * f64::from(requests)
    }

    /// What was seen within the window.
    pub(crate) fn counts(&self, now: Instant) -> WindowCounts {
        let Counts { requests, others } = self.results.counts(now);
        WindowCounts { requests, failures: others }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.results.clear();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[track_caller]
    fn check((failures, successes): (u32, u32), failure_rate: f64, min_requests: u32, expected: bool) {
        let now = Instant::now();
        let window = FailureWindow::new(now);
        window.configure(&BreakerConfig { failure_rate, min_requests, ..BreakerConfig::default() });
        (0..failures).for_each(|_| window.count(true, now));
        (0..successes).for_each(|_| window.count(false, now));
        assert_eq!(window.counts(now), WindowCounts { requests: failures + successes, failures });
        assert_eq!(window.is_over(now), expected);
    }

    #[test]
    fn a_share_says_nothing_before_enough_requests_were_seen() {
        check((3, 0), 0.5, 4, false);
        check((3, 1), 0.5, 4, true);
        check((0, 0), 0.5, 0, false);
    }

    #[test]
    fn the_share_itself_is_too_much_and_less_is_not() {
        check((10, 10), 0.5, 20, true);
        check((9, 11), 0.5, 20, false);
        check((20, 0), 1.0, 20, true);
        check((19, 1), 1.0, 20, false);
    }
}
