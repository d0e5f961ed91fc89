//! What was counted in the last while.

use crate::sync::{AtomicU64, Mutex, lock};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Requests of the last while, and how many of something they led to.
///
/// The window slides in tenths: it covers the tenth that runs and the nine before it. A tenth is a bucket of a ring,
/// used again when its time has come round. To count is one atomic addition; the lock is taken once in a tenth, by whoever is the
/// first in it.
#[derive(Debug)]
pub(crate) struct SlidingWindow {
    /// Ticks count from here.
    started: Instant,
    /// How long a tick, a tenth of the window, is in nanoseconds; at least 1.
    tick_ns: AtomicU64,
    buckets: [Bucket; TICKS],
    /// Held while buckets are emptied.
    turning: Mutex<()>,
}

/// What was counted in one tick.
#[derive(Debug)]
struct Bucket {
    /// Which tick; 0 = none yet.
    tick: AtomicU64,
    /// Requests in the upper half, of the others in the lower.
    counts: AtomicU64,
}

/// How many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Requests.
    pub(crate) requests: u32,
    /// What they led to: failures, or retries.
    pub(crate) others: u32,
}

impl SlidingWindow {
    /// An empty window of this length.
    pub(crate) fn new(length: Duration, now: Instant) -> Self {
        SlidingWindow {
            started: now,
            tick_ns: AtomicU64::new(tick_ns(length)),
            buckets: std::array::from_fn(|_| Bucket { tick: AtomicU64::new(0), counts: AtomicU64::new(0) }),
            turning: Mutex::new(()),
        }
    }

    /// Makes it this long; empties it when it was not.
    pub(crate) fn resize(&self, length: Duration) {
        let tick_ns = tick_ns(length);
        if self.tick_ns.swap(tick_ns, Ordering::Relaxed) != tick_ns {
            self.clear();
        }
    }

    /// Counts. What belongs to a tick that has left the window meanwhile is lost.
    #[inline]
    pub(crate) fn add(&self, counts: Counts, now: Instant) {
        let tick = self.tick(now);
        let Some(bucket) = self.buckets.get(slot(tick)) else { return };
        if bucket.tick.load(Ordering::Acquire) == tick || self.turn(bucket, tick) {
            // Between the look at the tick and this, the ring may have come round: it then counts a window late.
            bucket.counts.fetch_add(counts.pack(), Ordering::Relaxed);
        }
    }

    /// What was counted within the window.
    pub(crate) fn counts(&self, now: Instant) -> Counts {
        let newest = self.tick(now);
        let oldest = newest.saturating_sub(TICKS as u64 - 1).max(1);
        self.buckets
            .iter()
            .filter(|bucket| (oldest..=newest).contains(&bucket.tick.load(Ordering::Acquire)))
            .map(|bucket| Counts::unpack(bucket.counts.load(Ordering::Relaxed)))
            .fold(Counts::default(), Counts::plus)
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

impl Counts {
    fn plus(self, more: Counts) -> Counts {
        Counts {
            requests: self.requests.saturating_add(more.requests),
            others: self.others.saturating_add(more.others),
        }
    }

    fn pack(self) -> u64 {
        u64::from(self.requests) << 32 | u64::from(self.others)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the halves are meant")]
    fn unpack(packed: u64) -> Self {
        Counts { requests: (packed >> 32) as u32, others: packed as u32 }
    }
}

/// A duration in whole nanoseconds; 584 years at most.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn tick_ns(length: Duration) -> u64 {
    nanoseconds(length).div_ceil(TICKS as u64).max(1)
}

fn slot(tick: u64) -> usize {
    usize::try_from(tick % TICKS as u64).unwrap_or_default()
}

/// Tenths: what is old is forgotten at most a tenth of the window early.
const TICKS: usize = 10;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);
    const FAILURE: Counts = Counts { requests: 1, others: 1 };
    const SUCCESS: Counts = Counts { requests: 1, others: 0 };

    fn counts(requests: u32, others: u32) -> Counts {
        Counts { requests, others }
    }

    #[test]
    fn what_left_the_window_is_forgotten() {
        let start = Instant::now();
        let window = SlidingWindow::new(WINDOW, start);
        let at = |ms| start + Duration::from_millis(ms);
        window.add(FAILURE, at(500));
        window.add(SUCCESS, at(5_000));
        assert_eq!(window.counts(at(9_999)), counts(2, 1));
        assert_eq!(window.counts(at(10_000)), counts(1, 0));
        assert_eq!(window.counts(at(15_000)), counts(0, 0));
    }

    #[test]
    fn a_bucket_begins_anew_when_the_ring_comes_round() {
        let start = Instant::now();
        let window = SlidingWindow::new(WINDOW, start);
        for second in 0..35 {
            window.add(if second % 2 == 0 { FAILURE } else { SUCCESS }, start + Duration::from_secs(second));
        }
        assert_eq!(window.counts(start + Duration::from_secs(34)), counts(10, 5));
    }

    #[test]
    fn what_comes_from_before_the_window_is_lost() {
        let start = Instant::now();
        let window = SlidingWindow::new(WINDOW, start);
        let now = start + Duration::from_secs(30);
        window.add(FAILURE, now);
        window.add(FAILURE, start);
        assert_eq!(window.counts(now), counts(1, 1));
    }

    #[test]
    fn another_length_begins_empty_and_the_same_one_does_not() {
        let now = Instant::now();
        let window = SlidingWindow::new(WINDOW, now);
        window.add(FAILURE, now);
        window.resize(WINDOW);
        assert_eq!(window.counts(now), counts(1, 1));
        window.resize(WINDOW * 2);
        assert_eq!(window.counts(now), counts(0, 0));
    }
}
