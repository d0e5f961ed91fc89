//! Which successes get a line when not all of them do.

/// A share of the requests, the same ones in every gateway that knows them by the same id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Ids whose hash is below it are in; all of them when none.
    below: Option<u64>,
}

impl Sample {
    /// A share from 0 to 1; what lies outside is taken for the nearer of the two.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a bound: nobody counts on its last bits, and the cast saturates"
    )]
    pub(super) fn new(share: f64) -> Self {
        Sample { below: (share < 1.0).then_some((share * u64::MAX as f64) as u64) }
    }

    pub(super) fn has(self, request_id: &[u8]) -> bool {
        self.below.is_none_or(|below| hash(request_id) < below)
    }
}

/// FNV-1a, with its bits spread over the whole word afterwards.
fn hash(id: &[u8]) -> u64 {
    let mut hash = id.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(share: f64, expected: std::ops::RangeInclusive<usize>) {
        let sample = Sample::new(share);
        let taken = (0..10_000).filter(|number| sample.has(format!("{number:016x}").as_bytes())).count();
        assert!(expected.contains(&taken), "{taken} of 10000 at {share}");
    }

    #[test]
    fn about_as_many_as_asked_for_are_taken() {
        check(1.0, 10_000..=10_000);
        check(7.0, 10_000..=10_000);
        check(0.5, 4_800..=5_200);
        check(0.01, 70..=130);
        check(0.0, 0..=0);
        check(-1.0, 0..=0);
    }
}
