//! A latency histogram of fixed size: recording is one array increment, the error of a quantile
//! is below one part in 128, and nothing is sampled away.

use serde::Serialize;

/// Values below `2 * SUB_BUCKETS` are exact; above, each power of two is cut into this many buckets.
const SUB_BUCKETS: usize = 1 << SUB_BUCKET_BITS;
const SUB_BUCKET_BITS: u32 = 7;
const BUCKETS: usize = (u64::BITS - SUB_BUCKET_BITS + 1) as usize * SUB_BUCKETS;

/// Counts of values (here: nanoseconds), by bucket.
#[derive(Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

/// The quantiles that are reported, in the unit that was recorded (nanoseconds).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names go into the report, which states its units")]
pub(crate) struct Quantiles {
    pub p50_ns: u64,
    pub p99_ns: u64,
    pub p999_ns: u64,
    pub max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max: 0 }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, value: u64) {
        if let Some(count) = self.counts.get_mut(bucket_of(value)) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(value);
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        Quantiles {
            p50_ns: self.quantile(500),
            p99_ns: self.quantile(990),
            p999_ns: self.quantile(999),
            max_ns: self.max,
        }
    }

    /// The smallest recorded value, rounded up to its bucket's end, that at least `per_mille`
    /// thousandths of all values do not exceed; 0 when nothing was recorded.
    fn quantile(&self, per_mille: u64) -> u64 {
        let rank = (self.total * per_mille).div_ceil(1000).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return last_value_of(bucket).min(self.max);
            }
        }
        self.max
    }
}

fn bucket_of(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(SUB_BUCKET_BITS + 1);
    #[expect(clippy::cast_possible_truncation, reason = "the shift leaves eight bits at most")]
    let mantissa = (value >> shift) as usize;
    shift as usize * SUB_BUCKETS + mantissa
}

fn last_value_of(bucket: usize) -> u64 {
    let shift = (bucket / SUB_BUCKETS).saturating_sub(1);
    let mantissa = (bucket - shift * SUB_BUCKETS) as u64;
    (mantissa << shift) | ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_a_bucket_that_ends_less_than_a_128th_above_it() {
        let edges = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for value in edges.chain([300, 12_345, 999_999_937, u64::MAX]) {
            let end = last_value_of(bucket_of(value));
            assert!(end >= value, "{value} is beyond the end {end} of its bucket");
            assert!(end - value <= value / 128, "{value} reported as {end}");
        }
    }

    #[test]
    fn bucket_ends_rise_without_a_gap() {
        let ends: Vec<u64> = (0..BUCKETS).map(last_value_of).collect();
        for (bucket, pair) in ends.windows(2).enumerate() {
            assert_eq!(bucket_of(pair[0] + 1), bucket + 1);
            assert!(pair[0] < pair[1]);
        }
        assert_eq!(ends.last(), Some(&u64::MAX));
    }

    #[test]
    fn quantiles_of_one_to_a_thousand_are_found_by_rank() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|value| histogram.record(value));
        let quantiles = histogram.quantiles();
        assert_eq!(quantiles.p50_ns, last_value_of(bucket_of(500)));
        assert_eq!(quantiles.p99_ns, last_value_of(bucket_of(990)));
        assert_eq!(quantiles.max_ns, 1000);
    }

    #[test]
    fn one_outlier_in_a_hundred_shows_in_the_tail_and_not_in_the_median() {
        let mut histogram = Histogram::default();
        (0..990).for_each(|_| histogram.record(100));
        (0..10).for_each(|_| histogram.record(1_000_000));
        let quantiles = histogram.quantiles();
        assert_eq!((quantiles.p50_ns, quantiles.p99_ns), (100, 100));
        assert_eq!((quantiles.p999_ns, quantiles.max_ns), (1_000_000, 1_000_000));
    }

    #[test]
    fn an_empty_histogram_reports_zeros() {
        let zeros = Quantiles { p50_ns: 0, p99_ns: 0, p999_ns: 0, max_ns: 0 };
        assert_eq!(Histogram::default().quantiles(), zeros);
    }
}
