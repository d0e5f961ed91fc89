//! Which traces that begin here are recorded.

use super::TraceId;

/// Which share of the traces that begin here is recorded. It hangs on the trace's id alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Those whose randomness is at least this.
    threshold: u64,
}

impl Sample {
    /// A share from 0 (none) to 1 (all).
    pub(super) fn new(share: f64) -> Self {
        let left_out = (1.0 - share.clamp(0.0, 1.0)) * SPAN;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2⁵⁶")]
        Sample { threshold: left_out as u64 }
    }

    /// Whether it has this trace.
    pub(super) fn has(self, trace: TraceId) -> bool {
        trace.randomness() >= self.threshold
    }
}

/// How many values the randomness of a trace can have: 2⁵⁶.
const SPAN: f64 = 72_057_594_037_927_936.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(share: f64, expected: std::ops::RangeInclusive<usize>) {
        // An odd multiplier visits every part of the range alike.
        let traces = (1..=1000_u64).filter_map(|n| TraceId::new(1, n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let count = traces.filter(|trace| Sample::new(share).has(*trace)).count();
        assert!(expected.contains(&count), "{share}: {count}");
    }

    #[test]
    fn a_share_of_the_traces_is_recorded() {
        check(0.0, 0..=0);
        check(0.1, 80..=120);
        check(0.5, 470..=530);
        check(1.0, 1000..=1000);
        check(f64::NAN, 0..=1000);
    }
}
