//! How long the parts of a request took that nearly every request has.

use super::histogram::{HistogramTotal, sum_units};
use super::{Counter, LATENCY_BOUNDS};
use std::time::Duration;

/// Four histograms with [`LATENCY_BOUNDS`], one for each [`Latency`]. One thread writes them, any may read them.
///
/// What a request adds to lies together, bucket by bucket: of thousands of proxies none is in the processor's cache, and four
/// histograms one behind the other would be four cache lines for each request. A short sample is in the first line, or in the
/// second, which comes with it.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub struct Latencies {
    /// In the units of [`sum_units`].
    sums: Row,
    /// Samples above the bound before, up to and with the bound of the same place.
    within: [Row; LATENCY_BOUNDS.len()],
    /// Samples above every bound.
    above: Row,
}

/// Which part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// From its first byte to its end, whatever it was.
    Duration,
    /// From the request being sent to the response head being there, and the body as far as the upstream took its time with it.
    Upstream,
    /// From the request being sent to the first byte of the response.
    FirstByte,
    /// From there to the end of the response.
    Body,
}

/// One number for each.
#[derive(Debug, Default)]
#[repr(C)]
struct Row {
    duration: Counter,
    upstream: Counter,
    first_byte: Counter,
    body: Counter,
}

impl Latencies {
    /// One more sample.
    #[inline]
    pub fn observe(&self, latency: Latency, sample: Duration) {
        // One after the other: nearly every sample is within the first few.
        let within = LATENCY_BOUNDS.iter().zip(&self.within).find(|(bound, _)| sample <= **bound);
        within.map_or(&self.above, |(_, row)| row).of(latency).add(1);
        self.sums.of(latency).add(sum_units(sample));
    }

    /// Adds the samples of one of them to a total.
    pub(super) fn add_to(&self, total: &mut HistogramTotal<{ LATENCY_BOUNDS.len() }>, latency: Latency) {
        let count = |row: &Row| row.of(latency).get();
        total.add_counts(self.within.iter().map(count), count(&self.above), count(&self.sums));
    }
}

impl Row {
    fn of(&self, latency: Latency) -> &Counter {
        match latency {
            Latency::Duration => &self.duration,
            Latency::Upstream => &self.upstream,
            Latency::FirstByte => &self.first_byte,
            Latency::Body => &self.body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(latency: Latency, sample: Duration, bound_ms: Option<u128>) {
        let latencies = Latencies::default();
        latencies.observe(latency, sample);
        for read in [Latency::Duration, Latency::Upstream, Latency::FirstByte, Latency::Body] {
            let mut total = HistogramTotal::new(&LATENCY_BOUNDS);
            latencies.add_to(&mut total, read);
            assert_eq!(total.count(), u64::from(read == latency), "{read:?}");
            if read == latency {
                let place = total.within.iter().position(|count| *count == 1);
                assert_eq!(place.map(|place| LATENCY_BOUNDS[place].as_millis()), bound_ms, "{sample:?}");
                assert_eq!(total.sum(), sample);
            }
        }
    }

    #[test]
    fn h57_a_sample_is_in_one_bucket_of_one_histogram() {
        check(Latency::Duration, Duration::from_millis(1), Some(1));
        check(Latency::Upstream, Duration::from_millis(500), Some(500));
        check(Latency::FirstByte, Duration::from_millis(501), Some(1000));
        check(Latency::Body, Duration::from_secs(601), None);
    }

    #[test]
    fn what_a_short_request_adds_to_is_on_one_cache_line() {
        assert_eq!(size_of::<Row>(), 32);
        assert_eq!(std::mem::offset_of!(Latencies, within), 32);
    }
}
