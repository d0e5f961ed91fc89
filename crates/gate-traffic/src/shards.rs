//! A table in pieces.

use crate::sync::{Mutex, MutexGuard, lock};
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::OnceLock;

/// A table in pieces, so that workers seldom want the same one. One that nobody has used takes no memory: most proxies have no
/// limits, and of thousands each would have two kilobytes.
#[derive(Debug)]
pub(crate) struct Shards<T> {
    shards: OnceLock<Box<[Mutex<T>; SHARDS]>>,
    /// Callers choose their names, and must not choose where they end up: its keys are random.
    hasher: RandomState,
}

impl<T: Default> Shards<T> {
    /// Nothing is in it.
    pub(crate) fn new() -> Self {
        Self { shards: OnceLock::new(), hasher: RandomState::new() }
    }

    /// The hash by which something is found in this table, and in no other.
    pub(crate) fn hash(&self, key: &impl Hash) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Where what has this hash is. The upper half says which, since the tables in there look at the lower.
    #[expect(clippy::indexing_slicing, reason = "a remainder of their number")]
    pub(crate) fn of(&self, hash: u64) -> MutexGuard<'_, T> {
        let shards = self.shards.get_or_init(|| Box::new(std::array::from_fn(|_| Mutex::default())));
        lock(&shards[(hash >> 32) as usize % SHARDS])
    }

    /// All of them, one after the other.
    pub(crate) fn all(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        self.shards.get().into_iter().flat_map(|shards| shards.iter().map(lock))
    }
}

/// 16: more than most machines have workers.
pub(crate) const SHARDS: usize = 16;
