//! Noticing that somebody is not who they were.

use gate_store::StoreError;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time;

/// The records whose identities the data plane may remember, as they were when it was told.
///
/// When one of them was changed or deleted, [`HandedOut::epoch`] goes up, and whoever remembers identities forgets all
/// of them. A false alarm costs one question per token; what must not happen is that a change goes unnoticed.
#[derive(Debug)]
pub(super) struct HandedOut {
    records: Mutex<Records>,
    epoch: Arc<AtomicU64>,
    hashing: RandomState,
}

#[derive(Debug, Default)]
struct Records {
    /// What each record hashed to.
    hashes: HashMap<RecordKey, u64>,
    /// How many looks at all of them have begun.
    looks: u64,
}

/// Which record it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RecordKey {
    pub(super) collection_id: String,
    pub(super) id: String,
}

/// How many looks had begun when a record was about to be read. A look that begins between the reading and the
/// remembering does not see the record: it has to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look(u64);

impl HandedOut {
    /// None so far. Those of several places share an epoch.
    pub(super) fn new(epoch: Arc<AtomicU64>) -> Self {
        HandedOut { records: Mutex::default(), epoch, hashing: RandomState::new() }
    }

    pub(super) fn epoch(&self) -> &Arc<AtomicU64> {
        &self.epoch
    }

    /// To be taken before a record is read.
    pub(super) fn look(&self) -> Look {
        Look(self.records().looks)
    }

    /// Remembers a record that was read after `look` was taken; `false` = it has to be read again.
    pub(super) fn remember(&self, look: Look, key: RecordKey, record: &impl Hash) -> bool {
        let hash = self.hashing.hash_one(record);
        let mut records = self.records();
        if records.looks != look.0 {
            return false;
        }
        let is_known = records.hashes.contains_key(&key);
        if !is_known && records.hashes.len() >= RECORDS_MAX {
            // Forgetting some of them means that nobody may remember any.
            records.hashes.clear();
            self.alarm();
        }
        let before = records.hashes.insert(key, hash);
        if before.is_some_and(|before| before != hash) {
            self.alarm();
        }
        true
    }

    /// Begins a look at every record: each of these has to be read again and [compared](Self::compare).
    pub(super) fn look_again(&self) -> Vec<RecordKey> {
        let mut records = self.records();
        records.looks += 1;
        records.hashes.keys().cloned().collect()
    }

    /// Raises the alarm if a record is not as it was, or gone.
    pub(super) fn compare(&self, key: &RecordKey, record: Option<&impl Hash>) {
        let hash = record.map(|record| self.hashing.hash_one(record));
        let mut records = self.records();
        if records.hashes.get(key).is_some_and(|before| Some(*before) != hash) {
            records.hashes.remove(key);
            self.alarm();
        }
    }

    /// To be called when the records cannot be read, again and again; returns when it is time for another attempt. Nobody
    /// knows then who is still who they were, so the first time raises the alarm; what is handed out after that is read
    /// after that.
    pub(super) async fn unreadable(&self, error: &StoreError, is_first: bool) {
        tracing::warn!(%error, "the records of known callers cannot be read again");
        if is_first {
            self.alarm();
        }
        time::sleep(RETRY_INTERVAL).await;
    }

    /// Whoever remembers an identity forgets it.
    pub(super) fn alarm(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often it is tried while the records cannot be read.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Looking at all of them takes a quarter of a second at most, which leaves the rest of the one in which a change has
/// to be noticed.
const RECORDS_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn handed_out() -> HandedOut {
        HandedOut::new(Arc::default())
    }

    fn key(id: &str) -> RecordKey {
        RecordKey { collection_id: "users".to_owned(), id: id.to_owned() }
    }

    fn remember(handed_out: &HandedOut, id: &str, record: &str) -> bool {
        handed_out.remember(handed_out.look(), key(id), &record)
    }

    fn epoch(handed_out: &HandedOut) -> u64 {
        handed_out.epoch().load(Ordering::Acquire)
    }

    /// Looks at every record, of which all are as given.
    fn look_again(handed_out: &HandedOut, record: Option<&str>) {
        for key in handed_out.look_again() {
            handed_out.compare(&key, record.as_ref());
        }
    }

    #[test]
    fn a_change_of_a_record_that_was_handed_out_raises_the_alarm() {
        for changed in [Some("other"), None] {
            let handed_out = handed_out();
            assert!(remember(&handed_out, "a", "as it was"));
            look_again(&handed_out, Some("as it was"));
            assert_eq!(epoch(&handed_out), 0);
            look_again(&handed_out, changed);
            assert_eq!(epoch(&handed_out), 1);
            look_again(&handed_out, changed);
            assert_eq!(epoch(&handed_out), 1, "nobody remembers it any more");
        }
    }

    #[test]
    fn what_was_read_before_a_look_and_remembered_after_it_has_to_be_read_again() {
        let handed_out = handed_out();
        let look = handed_out.look();
        handed_out.look_again();
        assert!(!handed_out.remember(look, key("a"), &"a"));
        assert!(remember(&handed_out, "a", "a"));
    }

    #[tokio::test]
    async fn an_outage_raises_the_alarm_once() {
        let handed_out = handed_out();
        for is_first in [true, false, false] {
            let waiting = handed_out.unreadable(&StoreError::Busy, is_first);
            assert!(time::timeout(Duration::from_millis(1), waiting).await.is_err());
            assert_eq!(epoch(&handed_out), 1);
        }
    }

    #[test]
    fn a_record_that_was_handed_out_as_another_one_raises_the_alarm() {
        let handed_out = handed_out();
        remember(&handed_out, "a", "a");
        remember(&handed_out, "a", "a");
        assert_eq!(epoch(&handed_out), 0);
        remember(&handed_out, "a", "other");
        assert_eq!(epoch(&handed_out), 1);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_forgetting_raises_the_alarm() {
        let handed_out = handed_out();
        for number in 0..=RECORDS_MAX {
            assert_eq!(epoch(&handed_out), 0);
            remember(&handed_out, &number.to_string(), "a");
        }
        assert_eq!((epoch(&handed_out), handed_out.records().hashes.len()), (1, 1));
    }
}
