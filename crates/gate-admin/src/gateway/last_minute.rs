//! What the last minute was like: how many requests, how many of them failed, and how long they took.

use gate_records::json_number;
use gate_snapshot::{Proxy, ProxyId, Published, in_slices};
use gate_telemetry::metrics::{HistogramTotal, LATENCY_BOUNDS, ProxyTotal};
use serde::Serialize;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// What each proxy had counted at several moments of the last minute. Cheap to clone; all clones are the same.
#[derive(Clone, Debug, Default)]
pub struct LastMinute(Arc<Mutex<VecDeque<Sample>>>);

/// What each proxy that ever had a request had counted at a moment.
#[derive(Debug)]
struct Sample {
    at: Instant,
    counts: HashMap<ProxyId, Counts>,
}

/// What a proxy had counted at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    requests: u64,
    server_errors: u64,
    /// How long requests took, by [`LATENCY_BOUNDS`]; the last one above all of them.
    durations: [u64; LATENCY_BOUNDS.len() + 1],
}

/// What the last minute of a proxy was like.
#[derive(Debug, Serialize)]
pub(crate) struct MinuteShown {
    requests_per_second: Value,
    /// Those that ended with 5xx.
    errors_per_second: Value,
    /// How long half of them took at most, in milliseconds; null without any.
    p50_ms: Option<Value>,
    p95_ms: Option<Value>,
    p99_ms: Option<Value>,
}

impl LastMinute {
    /// Looks at what is counted every few seconds, for ever.
    ///
    /// Cancel-safe: dropping it ends the looking.
    pub async fn watch(self, published: Arc<Published>) -> Infallible {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look(published.load().routes().proxies(), Instant::now());
        }
    }

    fn look(&self, proxies: &[Arc<Proxy>], at: Instant) {
        let counted = |proxy: &Arc<Proxy>| Some((Arc::clone(&proxy.id), Counts::of(proxy)?));
        let sample = Sample { at, counts: in_slices(proxies).filter_map(counted).collect() };
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while samples.front().is_some_and(|oldest| at.duration_since(oldest.at) >= MINUTE) {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    /// What a proxy's last minute was like, or as much of it as has passed since the start.
    pub(crate) fn of(&self, proxy: &Proxy, now: Instant) -> MinuteShown {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = samples.front().map(|oldest| (oldest.at, oldest.counts.get(&proxy.id).copied()));
        drop(samples);
        let (since, before) = before.unwrap_or((now, None));
        let counts = Counts::of(proxy).unwrap_or_default().since(before.unwrap_or_default());
        counts.shown(now.saturating_duration_since(since))
    }
}

impl Counts {
    /// `None` for a proxy that never had a request.
    fn of(proxy: &Proxy) -> Option<Self> {
        proxy.metrics.is_used().then(|| Counts::of_total(&proxy.metrics.total()))
    }

    fn of_total(total: &ProxyTotal) -> Self {
        let mut durations = [0; LATENCY_BOUNDS.len() + 1];
        let HistogramTotal { within, above, .. } = &total.duration;
        for (count, found) in durations.iter_mut().zip(within.iter().chain([above])) {
            *count = *found;
        }
        let server_errors = total.statuses.last().copied().unwrap_or_default();
        Counts { requests: total.statuses.iter().sum(), server_errors, durations }
    }

    fn since(mut self, before: Counts) -> Self {
        self.requests = self.requests.saturating_sub(before.requests);
        self.server_errors = self.server_errors.saturating_sub(before.server_errors);
        for (count, before) in self.durations.iter_mut().zip(before.durations) {
            *count = count.saturating_sub(before);
        }
        self
    }

    fn shown(&self, time: Duration) -> MinuteShown {
        let seconds = time.as_secs_f64().max(1.0);
        #[expect(clippy::cast_precision_loss, reason = "a rate that people read")]
        let per_second = |count: u64| json_number((count as f64 / seconds * 100.0).round() / 100.0);
        let percentile = |share| self.percentile(share).map(|ms| json_number((ms * 10.0).round() / 10.0));
        MinuteShown {
            requests_per_second: per_second(self.requests),
            errors_per_second: per_second(self.server_errors),
            p50_ms: percentile(0.50),
            p95_ms: percentile(0.95),
            p99_ms: percentile(0.99),
        }
    }

    /// What that share of the requests took at most, in milliseconds: as if those within one bucket were spread evenly. What lies
    /// above all bounds is taken for the last one.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn percentile(&self, share: f64) -> Option<f64> {
        let all: u64 = self.durations.iter().sum();
        let mut left = share * all as f64;
        let mut lower = 0.0;
        for (count, bound) in self.durations.iter().zip(&LATENCY_BOUNDS) {
            let (count, upper) = (*count as f64, bound.as_secs_f64() * 1000.0);
            if count > 0.0 && left <= count {
                return Some(lower + (upper - lower) * left / count);
            }
            left -= count;
            lower = upper;
        }
        (all > 0).then_some(lower)
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// Often enough for the last minute to be between 60 and 65 seconds.
const EVERY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(durations: &[(usize, u64)]) -> Counts {
        let mut counts = Counts::default();
        for (bucket, count) in durations {
            counts.durations[*bucket] = *count;
            counts.requests += count;
        }
        counts
    }

    #[track_caller]
    fn check(counts: Counts, share: f64, milliseconds: Option<f64>) {
        let found = counts.percentile(share);
        let is_close = match (found, milliseconds) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-6,
            (found, expected) => found == expected,
        };
        assert!(is_close, "{found:?}");
    }

    #[test]
    fn a_percentile_lies_in_the_bucket_of_its_request() {
        check(counts(&[]), 0.5, None);
        check(counts(&[(0, 100)]), 0.5, Some(0.5));
        check(counts(&[(0, 50), (6, 50)]), 0.5, Some(1.0));
        check(counts(&[(0, 50), (6, 50)]), 0.99, Some(99.0));
        check(counts(&[(18, 3)]), 0.5, Some(600_000.0));
    }

    #[test]
    fn a_rate_is_over_the_time_that_has_passed() {
        let before = Counts { server_errors: 2, ..counts(&[(3, 10)]) };
        let now = Counts { server_errors: 5, ..counts(&[(3, 130)]) };
        let shown = now.since(before).shown(MINUTE);
        assert_eq!((shown.requests_per_second, shown.errors_per_second), (2.into(), 0.05.into()));
        assert!(shown.p50_ms.is_some());
    }
}
