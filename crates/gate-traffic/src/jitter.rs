//! A little chance, so that what failed together does not come back together.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A sequence of small deviations: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) over a counter. Not for secrets.
#[derive(Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    /// The same seed makes the same sequence.
    pub(crate) fn seeded(seed: u64) -> Self {
        Jitter(seed)
    }

    /// A sequence of its own, from the randomness the standard library keeps for its hash tables.
    pub(crate) fn random() -> Self {
        Jitter::seeded(RandomState::new().hash_one(()))
    }

    /// `wait`, up to a tenth shorter or longer.
    pub(crate) fn around(&mut self, wait: Duration) -> Duration {
        let deviation = (self.fraction() * 2.0 - 1.0) * SHARE;
        wait.mul_f64(1.0 + deviation)
    }

    /// From 0 to 1, without 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds")]
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// ±10 %: enough to part gateways and proxies from one another, little enough to still be the time that was asked for.
const SHARE: f64 = 0.1;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_a_tenth_and_uses_all_of_it() {
        let wait = Duration::from_secs(100);
        let mut jitter = Jitter::seeded(1);
        let waits: Vec<_> = (0..1000).map(|_| jitter.around(wait)).collect();
        assert!(waits.iter().all(|wait| (90.0..=110.0).contains(&wait.as_secs_f64())));
        assert!(waits.iter().any(|wait| wait.as_secs_f64() < 91.0));
        assert!(waits.iter().any(|wait| wait.as_secs_f64() > 109.0));
    }

    #[test]
    fn a_seed_says_it_all() {
        let wait = Duration::from_secs(1);
        assert_eq!(Jitter::seeded(7).around(wait), Jitter::seeded(7).around(wait));
        assert_ne!(Jitter::seeded(7).around(wait), Jitter::seeded(8).around(wait));
    }

    #[test]
    fn split_mix_makes_the_published_sequence() {
        let mut jitter = Jitter::seeded(1_234_567);
        assert_eq!(jitter.next(), 6_457_827_717_110_365_317);
        assert_eq!(jitter.next(), 3_203_168_211_198_807_973);
    }
}
