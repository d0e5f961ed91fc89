//! One seed for everything a test leaves to chance.

/// The environment variable that replays a run.
const SEED_VARIABLE: &str = "POCKETGATE_SEED";

/// The seed of this run: `POCKETGATE_SEED` if it is set, otherwise a fresh one.
///
/// It is printed, so that a failed test shows how to run again with the same choices.
#[expect(clippy::print_stderr, reason = "the test harness shows it when the test fails")]
pub fn seed() -> u64 {
    let seed = std::env::var(SEED_VARIABLE).map_or_else(
        |_| rand::random(),
        |text| text.parse().unwrap_or_else(|_| panic!("{SEED_VARIABLE}={text} is not a number")),
    );
    eprintln!("replay with {SEED_VARIABLE}={seed}");
    seed
}
