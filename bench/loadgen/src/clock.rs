//! The clock that two processes of one machine share.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A wall clock that moved this much against the monotonic clock was set, not merely disciplined.
const STEP_MIN: Duration = Duration::from_millis(1);

/// Nanoseconds of the wall clock since 1970: what the upstream writes into an event and the reader
/// of the event subtracts. `Instant` would be monotonic, but its value means nothing elsewhere.
pub(crate) fn wall_ns() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

/// Notices when the wall clock was set while delays were measured with it.
#[derive(Debug)]
pub(crate) struct StepDetector {
    monotonic: Instant,
    wall: SystemTime,
}

impl StepDetector {
    pub(crate) fn start() -> Self {
        Self { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    pub(crate) fn was_stepped(&self) -> bool {
        let monotonic = self.monotonic.elapsed();
        self.wall.elapsed().map_or(true, |wall| monotonic.abs_diff(wall) > STEP_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_set_forward_or_back_is_noticed() {
        let StepDetector { monotonic, wall } = StepDetector::start();
        assert!(!StepDetector { monotonic, wall }.was_stepped());
        assert!(StepDetector { monotonic, wall: wall + Duration::from_secs(1) }.was_stepped());
        assert!(StepDetector { monotonic, wall: wall - Duration::from_secs(1) }.was_stepped());
    }
}
