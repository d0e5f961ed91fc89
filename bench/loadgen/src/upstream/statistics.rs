//! What the upstream has seen: the figures that only it can know.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde::Serialize;

/// Counted from the upstream's start. On one thread, so that orderings do not matter.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    connections: AtomicUsize,
    requests: AtomicUsize,
    running: AtomicUsize,
    running_peak: AtomicUsize,
}

#[derive(Debug, Serialize)]
struct Seen {
    /// Connections ever accepted.
    connections: usize,
    /// Requests whose head has arrived.
    requests: usize,
    /// The most of them that were being answered at one time.
    running_peak: usize,
}

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub(crate) struct Answering(Arc<Statistics>);

impl Statistics {
    pub(crate) fn accepted(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    pub(crate) fn begin(self: &Arc<Self>) -> Answering {
        self.requests.fetch_add(1, Relaxed);
        let running = self.running.fetch_add(1, Relaxed) + 1;
        self.running_peak.fetch_max(running, Relaxed);
        Answering(Arc::clone(self))
    }

    pub(crate) fn as_json(&self) -> Vec<u8> {
        let seen = Seen {
            connections: self.connections.load(Relaxed),
            requests: self.requests.load(Relaxed),
            running_peak: self.running_peak.load(Relaxed),
        };
        serde_json::to_vec(&seen).unwrap_or_default()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_what_ran_at_one_time() {
        let statistics = Arc::new(Statistics::default());
        statistics.accepted();
        drop((statistics.begin(), statistics.begin()));
        drop(statistics.begin());
        let json = String::from_utf8(statistics.as_json()).unwrap();
        assert_eq!(json, r#"{"connections":1,"requests":3,"running_peak":2}"#);
    }
}
