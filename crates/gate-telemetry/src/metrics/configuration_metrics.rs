//! What is counted about the configuration.

use super::{Counter, Gauge, Histogram, LATENCY_BOUNDS, LatencyHistogram};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What is counted about the configuration: by whoever loads it, and by nobody else.
#[derive(Debug)]
pub struct ConfigurationMetrics {
    /// How long it took to load, compile and publish it.
    pub reloads: LatencyHistogram,
    /// How often it could not be loaded.
    pub failures: Counter,
    /// 1 while it cannot be loaded.
    pub failing: Gauge,
    /// Records whose last good version is in force.
    pub kept_last_good: Gauge,
    /// Records whose paths answer 404.
    pub not_found: Gauge,
    /// Records with a header without a value.
    pub unresolved: Gauge,
    started: Instant,
    /// Milliseconds from the start.
    published: AtomicU64,
}

impl ConfigurationMetrics {
    /// Nothing has been loaded yet.
    pub fn new() -> Self {
        ConfigurationMetrics {
            reloads: Histogram::new(&LATENCY_BOUNDS),
            failures: Counter::new(),
            failing: Gauge::new(),
            kept_last_good: Gauge::new(),
            not_found: Gauge::new(),
            unresolved: Gauge::new(),
            started: Instant::now(),
            published: AtomicU64::new(0),
        }
    }

    /// A configuration is in force from now on.
    pub fn published(&self, now: Instant) {
        let since_start = now.saturating_duration_since(self.started).as_millis();
        self.published.store(u64::try_from(since_start).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How long the configuration has been in force.
    pub fn age(&self, now: Instant) -> Duration {
        let published = Duration::from_millis(self.published.load(Ordering::Relaxed));
        now.saturating_duration_since(self.started).saturating_sub(published)
    }
}

impl Default for ConfigurationMetrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_as_old_as_its_publication() {
        let metrics = ConfigurationMetrics::new();
        let later = metrics.started + Duration::from_secs(10);
        assert_eq!(metrics.age(later), Duration::from_secs(10));
        metrics.published(later);
        assert_eq!(metrics.age(later + Duration::from_secs(3)), Duration::from_secs(3));
    }
}
