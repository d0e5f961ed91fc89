//! Where the control plane puts the newest snapshot and the workers find it.

use crate::Snapshot;
use arc_swap::ArcSwap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The newest snapshot. Shared by all threads: written by the control plane, read by each worker through a [`Reader`].
#[derive(Debug, Default)]
pub struct Published {
    newest: ArcSwap<Snapshot>,
    /// Counts publications; lets a reader see with one relaxed load that nothing changed.
    publications: AtomicU64,
}

impl Published {
    /// Starts with the given snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        snapshot.hold_traffic();
        Published { newest: ArcSwap::from_pointee(snapshot), publications: AtomicU64::new(0) }
    }

    /// Replaces the newest snapshot. Requests that run keep the one they started with.
    pub fn publish(&self, snapshot: Snapshot) {
        snapshot.hold_traffic();
        self.newest.store(Arc::new(snapshot));
        self.publications.fetch_add(1, Ordering::Release);
    }

    /// The newest snapshot.
    pub fn load(&self) -> Arc<Snapshot> {
        self.newest.load_full()
    }
}

/// A snapshot held by the requests of one worker. Counted twice on purpose: the outer count is the worker's own, so that no
/// cache line is shared between workers for it.
pub type HeldSnapshot = Rc<Arc<Snapshot>>;

/// One worker's view of the newest snapshot.
///
/// Asking it costs a load and a compare; what it hands out is counted on this thread alone, so that
/// workers never write to a shared cache line on behalf of a request.
#[derive(Debug)]
pub struct Reader {
    published: Arc<Published>,
    seen: u64,
    snapshot: HeldSnapshot,
}

impl Reader {
    /// A reader for one worker.
    pub fn new(published: Arc<Published>) -> Self {
        let seen = published.publications.load(Ordering::Acquire);
        let snapshot = Rc::new(published.load());
        Reader { published, seen, snapshot }
    }

    /// The newest snapshot. A request takes it once and keeps it to its end.
    pub fn newest(&mut self) -> HeldSnapshot {
        let publications = self.published.publications.load(Ordering::Acquire);
        if publications != self.seen {
            // Read after the counter: a snapshot stored later is found at the next call at the latest.
            self.snapshot = Rc::new(self.published.load());
            self.seen = publications;
        }
        Rc::clone(&self.snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_a_publication_at_its_next_look_and_keeps_what_it_handed_out() {
        let published = Arc::new(Published::new(Snapshot::new(1, [])));
        let mut reader = Reader::new(Arc::clone(&published));
        let first = reader.newest();
        published.publish(Snapshot::new(2, []));
        assert_eq!(reader.newest().generation(), 2);
        assert_eq!(first.generation(), 1);
    }
}
