//! Waiting for conditions instead of sleeping.

use std::future::Future;
use std::panic::Location;
use std::time::{Duration, Instant};

/// How long a test waits for what must come sooner or later: generous, since it costs time only in
/// a test that fails, and a loaded machine must not fail one.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How often [`eventually`] looks: short against every deadline of the suite.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Waits until `condition` holds and returns how long that took.
///
/// # Panics
/// When it does not hold within `deadline`; the message names the caller's line.
#[track_caller]
pub fn eventually(deadline: Duration, mut condition: impl FnMut() -> bool) -> impl Future<Output = Duration> {
    let caller = Location::caller();
    let started = Instant::now();
    async move {
        while !condition() {
            assert!(started.elapsed() < deadline, "{caller}: the condition did not hold within {deadline:?}");
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        started.elapsed()
    }
}

/// The result of `work`, which must be there within `deadline`.
///
/// # Panics
/// When it is not; the message names the caller's line.
#[track_caller]
pub fn within<T>(deadline: Duration, work: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = Location::caller();
    async move {
        tokio::time::timeout(deadline, work)
            .await
            .unwrap_or_else(|_| panic!("{caller}: not done within {deadline:?}"))
    }
}

/// The shortest of `attempts` measurements: what the program does when the machine lets it.
///
/// # Panics
/// When `attempts` is 0.
pub async fn quickest_of<F: Future<Output = Duration>>(
    attempts: usize,
    mut measure: impl FnMut() -> F,
) -> Duration {
    let mut durations = Vec::with_capacity(attempts);
    for _ in 0..attempts {
        durations.push(measure().await);
    }
    durations.into_iter().min().expect("at least one attempt")
}
