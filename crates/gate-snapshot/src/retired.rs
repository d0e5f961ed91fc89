//! Snapshots that are out of force.

use crate::Snapshot;
use std::sync::Arc;

/// Snapshots that are out of force, as long as somebody uses them.
///
/// Whoever lets go of a snapshot last has to free it, which takes milliseconds for a large one. Here one reference to each
/// is kept until it is the only one: so it is never a worker, in which all other requests would have to wait for that.
#[derive(Debug, Default)]
pub struct Retired(Vec<Arc<Snapshot>>);

impl Retired {
    /// Keeps one more.
    pub fn keep(&mut self, snapshot: Arc<Snapshot>) {
        self.0.push(snapshot);
    }

    /// Frees those that nobody uses any more.
    pub fn free_unused(&mut self) {
        // Nobody can begin to use one that only this list knows.
        for snapshot in self.0.extract_if(.., |snapshot| Arc::strong_count(snapshot) == 1) {
            if let Some(snapshot) = Arc::into_inner(snapshot) {
                snapshot.free();
            }
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Published, Reader};

    #[test]
    fn a_snapshot_is_freed_by_whoever_retired_it_and_never_by_a_worker() {
        let published = Arc::new(Published::new(Snapshot::new(1, [])));
        let mut worker = Reader::new(Arc::clone(&published));
        let request = worker.newest();
        let mut retired = Retired::default();
        retired.keep(published.load());
        let first = Arc::downgrade(&published.load());
        for generation in 2..4 {
            published.publish(Snapshot::new(generation, []));
            retired.free_unused();
            assert!(first.upgrade().is_some(), "a request still uses it");
        }
        worker.newest();
        drop(request);
        assert!(first.upgrade().is_some(), "the worker has let go of it, and freed nothing");
        retired.free_unused();
        assert!(first.upgrade().is_none() && retired.is_empty());
    }
}
