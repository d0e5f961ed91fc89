//! How long something took, by bounds that never change.

use super::Counter;
use std::time::Duration;

/// The upper bounds of a histogram's buckets, ascending; a sample that equals a bound is within it.
pub type Bounds<const N: usize> = [Duration; N];

/// How long something took. One thread writes it, any may read it.
///
/// A sample goes into exactly one cell: what is reported cumulatively is added up when it is read, and can thus never be
/// counted twice (H57).
///
/// In this order, and on cache lines of its own, so that a short sample, as most are, touches one of them.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Histogram<const N: usize> {
    bounds: &'static Bounds<N>,
    /// In units of [`SUM_UNIT_NANOSECONDS`].
    sum: Counter,
    /// Samples above the bound before, up to and with the bound of the same place.
    within: [Counter; N],
    /// Samples above every bound.
    above: Counter,
}

/// Several histograms with the same bounds, added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistogramTotal<const N: usize> {
    /// What the buckets reach up to.
    pub bounds: &'static Bounds<N>,
    /// How many samples there were up to and with each bound, without those of the bounds before. Not cumulative.
    pub within: [u64; N],
    /// How many there were above every bound.
    pub above: u64,
    /// What all samples add up to, in units of [`SUM_UNIT_NANOSECONDS`].
    sum: u64,
}

/// For times an upstream has a part in: 1 ms to 10 minutes.
pub static LATENCY_BOUNDS: Bounds<18> = [
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(600),
];

/// For the gateway's own time: 10 µs to 1 s.
pub static OVERHEAD_BOUNDS: Bounds<16> = [
    Duration::from_micros(10),
    Duration::from_micros(25),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
];

impl<const N: usize> Histogram<N> {
    /// No samples.
    pub const fn new(bounds: &'static Bounds<N>) -> Self {
        Histogram {
            bounds,
            sum: Counter::new(),
            within: [const { Counter::new() }; N],
            above: Counter::new(),
        }
    }

    /// One more sample.
    #[inline]
    pub fn observe(&self, sample: Duration) {
        // One after the other: nearly every sample is within the first few.
        let within = self.bounds.iter().zip(&self.within).find(|(bound, _)| sample <= **bound);
        within.map_or(&self.above, |(_, count)| count).add(1);
        self.sum.add(sum_units(sample));
    }
}

impl<const N: usize> HistogramTotal<N> {
    /// No samples.
    pub const fn new(bounds: &'static Bounds<N>) -> Self {
        HistogramTotal { bounds, within: [0; N], above: 0, sum: 0 }
    }

    /// With the samples of one more; it has the same bounds.
    pub fn add(&mut self, histogram: &Histogram<N>) {
        let within = histogram.within.iter().map(Counter::get);
        self.add_counts(within, histogram.above.get(), histogram.sum.get());
    }

    /// With what was counted in each bucket, above all of them, and the sum of the samples in the units of [`sum_units`].
    pub(super) fn add_counts(&mut self, within: impl Iterator<Item = u64>, above: u64, sum: u64) {
        self.within.iter_mut().zip(within).for_each(|(total, count)| *total += count);
        self.above += above;
        self.sum = self.sum.saturating_add(sum);
    }

    /// What all samples add up to.
    pub fn sum(&self) -> Duration {
        let seconds = Duration::from_secs(self.sum / SUM_UNITS_PER_SECOND);
        seconds + Duration::from_nanos(self.sum % SUM_UNITS_PER_SECOND * SUM_UNIT_NANOSECONDS)
    }

    /// How many samples there are.
    pub fn count(&self) -> u64 {
        self.within.iter().sum::<u64>() + self.above
    }
}

/// What a sample adds to a sum: whole units of [`SUM_UNIT_NANOSECONDS`].
pub(super) fn sum_units(sample: Duration) -> u64 {
    let nanoseconds = u64::from(sample.subsec_nanos()) / SUM_UNIT_NANOSECONDS;
    sample.as_secs().saturating_mul(SUM_UNITS_PER_SECOND).saturating_add(nanoseconds)
}

/// Fine enough for microseconds; 10,000 streams that run side by side fill 64 bits in five years.
const SUM_UNIT_NANOSECONDS: u64 = 100;
const SUM_UNITS_PER_SECOND: u64 = 1_000_000_000 / SUM_UNIT_NANOSECONDS;

#[cfg(test)]
mod tests {
    use super::*;

    fn total_of(samples: &[Duration]) -> HistogramTotal<18> {
        let histogram = Histogram::new(&LATENCY_BOUNDS);
        for sample in samples {
            histogram.observe(*sample);
        }
        let mut total = HistogramTotal::new(&LATENCY_BOUNDS);
        total.add(&histogram);
        total
    }

    /// A sample, and in how many milliseconds its bucket ends; none = above every bound.
    #[track_caller]
    fn check(sample: Duration, bound_ms: Option<f64>) {
        let total = total_of(&[sample]);
        let place = total.within.iter().position(|count| *count == 1);
        let found = place.map(|place| LATENCY_BOUNDS[place].as_secs_f64() * 1000.0);
        assert_eq!((found, total.count()), (bound_ms, 1), "{sample:?}");
        assert_eq!(total.above, u64::from(bound_ms.is_none()));
    }

    #[test]
    fn h57_a_sample_is_in_exactly_one_bucket_and_on_a_bound_in_the_one_it_ends() {
        check(Duration::ZERO, Some(1.0));
        check(Duration::from_millis(1), Some(1.0));
        check(Duration::from_nanos(1_000_001), Some(2.5));
        check(Duration::from_millis(500), Some(500.0));
        check(Duration::from_millis(501), Some(1000.0));
        check(Duration::from_secs(600), Some(600_000.0));
        check(Duration::from_secs(601), None);
        check(Duration::MAX, None);
    }

    #[test]
    fn bounds_ascend() {
        assert!(LATENCY_BOUNDS.is_sorted_by(|one, next| one < next));
        assert!(OVERHEAD_BOUNDS.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn histograms_add_up() {
        let samples = [Duration::from_micros(1500), Duration::from_secs(2), Duration::from_secs(3600)];
        let one = total_of(&samples);
        assert_eq!((one.count(), one.sum()), (3, samples.iter().sum()));
        let histogram = Histogram::new(&LATENCY_BOUNDS);
        for sample in &samples {
            histogram.observe(*sample);
        }
        let mut both = one.clone();
        both.add(&histogram);
        assert_eq!((both.count(), both.above, both.sum()), (6, 2, one.sum() * 2));
    }
}
