//! The share of failures in a sliding window, counted without a lock.

use crate::sync::{AtomicU32, AtomicU64, Mutex, lock};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The results of the last while, and whether too many of them are failures.
///
/// The window slides in tenths: it covers the tenth that runs and the nine before it. A tenth is a bucket of a ring,
/// used again when its time has come round. A result is one atomic addition to its bucket; the lock is taken once in a tenth, by
/// whoever is the first in it.
#[derive(Debug)]
pub(crate) struct FailureWindow {
    /// Ticks count from here.
    started: Instant,
    /// How long a tick, a tenth of the window, is in nanoseconds; at least 1.
    tick_ns: AtomicU64,
    /// The share, as the bits of an `f64`.
    rate: AtomicU64,
    min_requests: AtomicU32,
    buckets: [Bucket; TICKS],
    /// Held while buckets are emptied.
    turning: Mutex<()>,
}

/// The results of one tick.
#[derive(Debug)]
struct Bucket {
    /// Which tick; 0 = none yet.
    tick: AtomicU64,
    /// Requests in the upper half, failures in the lower.
    counts: AtomicU64,
}

/// What was seen in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowCounts {
    /// Requests with a result.
    pub requests: u64,
    /// Those of them that failed.
    pub failures: u64,
}

impl FailureWindow {
    /// An empty window. The other arguments are those of [`FailureWindow::configure`].
    pub(crate) fn new(now: Instant) -> Self {
        FailureWindow {
            started: now,
            tick_ns: AtomicU64::new(1),
            rate: AtomicU64::new(1.0_f64.to_bits()),
            min_requests: AtomicU32::new(u32::MAX),
            buckets: std::array::from_fn(|_| Bucket { tick: AtomicU64::new(0), counts: AtomicU64::new(0) }),
            turning: Mutex::new(()),
        }
    }

    /// Too many is from now on: `rate` of at least `min_requests` within `window`. Another window begins empty.
    pub(crate) fn configure(&self, window: Duration, rate: f64, min_requests: u32) {
        self.rate.store(rate.to_bits(), Ordering::Relaxed);
        self.min_requests.store(min_requests, Ordering::Relaxed);
        let tick_ns = nanoseconds(window).div_ceil(TICKS as u64).max(1);
        if self.tick_ns.swap(tick_ns, Ordering::Relaxed) != tick_ns {
            self.clear();
        }
    }

    /// Counts a result. One of a tick that has left the window meanwhile is lost.
    #[inline]
    pub(crate) fn count(&self, is_failure: bool, now: Instant) {
        let tick = self.tick(now);
        let Some(bucket) = self.buckets.get(slot(tick)) else { return };
        if bucket.tick.load(Ordering::Acquire) == tick || self.turn(bucket, tick) {
            // Between the look at the tick and this, the ring may have come round: a result then counts a window late.
            bucket.counts.fetch_add(REQUEST + u64::from(is_failure), Ordering::Relaxed);
        }
    }

    /// Whether enough requests were seen, and too many of them failed.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        let WindowCounts { requests, failures } = self.counts(now);
        let rate = f64::from_bits(self.rate.load(Ordering::Relaxed));
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let is_over = failures as f64 >= rate * requests as f64;
        is_over && requests >= u64::from(self.min_requests.load(Ordering::Relaxed)).max(1)
    }

    /// What was seen within the window.
    pub(crate) fn counts(&self, now: Instant) -> WindowCounts {
        let newest = self.tick(now);
        let oldest = newest.saturating_sub(TICKS as u64 - 1).max(1);
        let mut seen = WindowCounts::default();
        for bucket in &self.buckets {
            if (oldest..=newest).contains(&bucket.tick.load(Ordering::Acquire)) {
                let counts = bucket.counts.load(Ordering::Relaxed);
                seen.requests += counts >> 32;
                seen.failures += counts & (REQUEST - 1);
            }
        }
        seen
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        let _turning = lock(&self.turning);
        for bucket in &self.buckets {
            bucket.tick.store(0, Ordering::Relaxed);
            bucket.counts.store(0, Ordering::Release);
        }
    }

    /// Empties a bucket for its next tick; false when its tick is past already.
    #[cold]
    fn turn(&self, bucket: &Bucket, tick: u64) -> bool {
        let _turning = lock(&self.turning);
        let current = bucket.tick.load(Ordering::Relaxed);
        if current < tick {
            bucket.counts.store(0, Ordering::Relaxed);
            bucket.tick.store(tick, Ordering::Release);
        }
        current <= tick
    }

    /// The number of the tick at `now`; they begin with 1.
    fn tick(&self, now: Instant) -> u64 {
        let elapsed = nanoseconds(now.saturating_duration_since(self.started));
        elapsed / self.tick_ns.load(Ordering::Relaxed).max(1) + 1
    }
}

fn slot(tick: u64) -> usize {
    usize::try_from(tick % TICKS as u64).unwrap_or_default()
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Tenths: an old failure is forgotten at most a tenth of the window early.
const TICKS: usize = 10;
/// One request in [`Bucket::counts`].
const REQUEST: u64 = 1 << 32;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn window(rate: f64, min_requests: u32) -> (FailureWindow, Instant) {
        let start = Instant::now();
        let window = FailureWindow::new(start);
        window.configure(Duration::from_secs(10), rate, min_requests);
        (window, start)
    }

    #[test]
    fn a_share_says_nothing_before_enough_requests_were_seen() {
        let (window, now) = window(0.5, 4);
        for _ in 0..3 {
            window.count(true, now);
        }
        assert!(!window.is_over(now));
        window.count(false, now);
        assert!(window.is_over(now));
        assert_eq!(window.counts(now), WindowCounts { requests: 4, failures: 3 });
    }

    #[test]
    fn what_left_the_window_is_forgotten() {
        let (window, start) = window(0.5, 1);
        let at = |ms| start + Duration::from_millis(ms);
        window.count(true, at(500));
        window.count(false, at(5_000));
        assert_eq!(window.counts(at(9_999)), WindowCounts { requests: 2, failures: 1 });
        assert_eq!(window.counts(at(10_000)), WindowCounts { requests: 1, failures: 0 });
        assert_eq!(window.counts(at(15_000)), WindowCounts::default());
    }

    #[test]
    fn a_bucket_begins_anew_when_the_ring_comes_round() {
        let (window, start) = window(0.5, 1);
        for second in 0..35 {
            window.count(second % 2 == 0, start + Duration::from_secs(second));
        }
        let now = start + Duration::from_secs(34);
        assert_eq!(window.counts(now), WindowCounts { requests: 10, failures: 5 });
    }

    #[test]
    fn a_result_from_before_the_window_is_lost() {
        let (window, start) = window(0.5, 1);
        window.count(true, start + Duration::from_secs(30));
        window.count(true, start);
        assert_eq!(window.counts(start + Duration::from_secs(30)).requests, 1);
    }

    #[test]
    fn another_window_begins_empty_and_the_same_one_does_not() {
        let (window, now) = window(0.5, 1);
        window.count(true, now);
        window.configure(Duration::from_secs(10), 0.9, 3);
        assert_eq!(window.counts(now).requests, 1);
        window.configure(Duration::from_secs(20), 0.9, 3);
        assert_eq!(window.counts(now), WindowCounts::default());
    }
}
