//! The last few failures of a proxy, for a person who wants to know what is wrong.

use crate::Reason;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::SystemTime;

/// The last few failures of a proxy. Refusals by limits and breakers are none: there would be no room for what led to them.
#[derive(Debug, Default)]
pub struct LastFailures(Mutex<VecDeque<LastFailure>>);

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFailure {
    /// When it had.
    pub at: SystemTime,
    /// How.
    pub reason: Reason,
    /// The status its client got.
    pub status: u16,
    /// What it is called in the log.
    pub request_id: Box<str>,
}

impl LastFailures {
    /// One more. Never waits: of failures at the same moment one is enough.
    pub fn add(&self, failure: LastFailure) {
        let mut failures = match self.0.try_lock() {
            Ok(failures) => failures,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        failures.truncate(KEPT - 1);
        failures.push_front(failure);
    }

    /// What there is, the newest first.
    pub fn newest_first(&self) -> Vec<LastFailure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// As many as a person looks at.
const KEPT: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_come_first() {
        let failures = LastFailures::default();
        for number in 0..7_u16 {
            let (at, request_id) = (SystemTime::now(), number.to_string().into());
            failures.add(LastFailure { at, reason: Reason::UpstreamReset, status: 500 + number, request_id });
        }
        let statuses: Vec<_> = failures.newest_first().iter().map(|failure| failure.status).collect();
        assert_eq!(statuses, [506, 505, 504, 503, 502]);
    }
}
