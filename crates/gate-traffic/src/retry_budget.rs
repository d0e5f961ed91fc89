//! How many further attempts a proxy may make, all its requests together.

use crate::sliding_window::{Counts, SlidingWindow};
use crate::sync::{AtomicU32, Mutex, lock};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Keeps retries from making a failure worse: they may be a share of the requests of the last ten seconds, so that an upstream that
/// answers nothing at all sees 1.2 times its traffic at most, not a multiple of it.
#[derive(Debug)]
pub struct RetryBudget {
    percent: AtomicU32,
    /// First attempts, and retries.
    attempts: SlidingWindow,
    /// Held between finding that one more is allowed and counting it.
    spending: Mutex<()>,
}

impl RetryBudget {
    /// Retries may be `percent` of the requests.
    pub fn new(percent: u32, now: Instant) -> Self {
        RetryBudget {
            percent: AtomicU32::new(percent),
            attempts: SlidingWindow::new(WINDOW, now),
            spending: Mutex::new(()),
        }
    }

    /// Another share from now on; what was counted stays.
    pub fn configure(&self, percent: u32) {
        self.percent.store(percent, Ordering::Relaxed);
    }

    /// A request makes its first attempt.
    #[inline]
    pub fn counted(&self, now: Instant) {
        self.attempts.add(Counts { requests: 1, others: 0 }, now);
    }

    /// Whether one more retry may be made; if so, it is counted.
    pub fn spend(&self, now: Instant) -> bool {
        let _spending = lock(&self.spending);
        let Counts { requests, others: retries } = self.attempts.counts(now);
        let percent = u64::from(self.percent.load(Ordering::Relaxed));
        let budget = (u64::from(requests) * percent / 100).max(RETRIES_MIN);
        let is_allowed = u64::from(retries) < budget;
        if is_allowed {
            self.attempts.add(Counts { requests: 0, others: 1 }, now);
        }
        is_allowed
    }
}

/// 10 s: longer than most bursts of failures, short enough that a quiet hour does not pay for a storm.
const WINDOW: Duration = Duration::from_secs(10);
/// 3: a proxy with few requests may retry as well.
const RETRIES_MIN: u64 = 3;
