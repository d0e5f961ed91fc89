//! Noticing that somebody is not who they were.

use gate_store::{Row, Store, StoreError, Table, Value};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    /// What each record hashed to. Table and id are the key.
    hashes: HashMap<(&'static str, String), (&'static Table, u64)>,
    /// How many looks at all of them have begun.
    looks: u64,
}

/// How many looks had begun when a record was about to be read. A look that begins between the reading and the
/// remembering does not see the record: it has to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look(u64);

impl HandedOut {
    pub(super) fn new() -> Self {
        HandedOut { records: Mutex::default(), epoch: Arc::default(), hashing: RandomState::new() }
    }

    pub(super) fn epoch(&self) -> &Arc<AtomicU64> {
        &self.epoch
    }

    /// To be taken before a record is read.
    pub(super) fn look(&self) -> Look {
        Look(self.records().looks)
    }

    /// Remembers a record that was read after `look` was taken; `false` = it has to be read again.
    pub(super) fn remember(&self, look: Look, row: &Row) -> bool {
        let hash = self.hash(row);
        let mut records = self.records();
        if records.looks != look.0 {
            return false;
        }
        let key = (row.table().name, row.id().to_owned());
        let is_known = records.hashes.contains_key(&key);
        if !is_known && records.hashes.len() >= RECORDS_MAX {
            // Forgetting some of them means that nobody may remember any.
            records.hashes.clear();
            self.alarm();
        }
        let before = records.hashes.insert(key, (row.table(), hash));
        if before.is_some_and(|(_, before)| before != hash) {
            self.alarm();
        }
        true
    }

    /// Looks at every record, and raises the alarm if one of them is not as it was.
    pub(super) async fn look_again(&self, store: &Store) -> Result<(), StoreError> {
        let known = {
            let mut records = self.records();
            records.looks += 1;
            records.hashes.clone()
        };
        let mut changed = Vec::new();
        for ((table_name, id), (table, before)) in known {
            let row = store.find(table, "id", id.as_str()).await?;
            if row.is_none_or(|row| self.hash(&row) != before) {
                changed.push((table_name, id));
            }
        }
        if !changed.is_empty() {
            self.records().hashes.retain(|key, _| !changed.contains(key));
            self.alarm();
        }
        Ok(())
    }

    /// Whoever remembers an identity forgets it.
    pub(super) fn alarm(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }

    fn hash(&self, row: &Row) -> u64 {
        let mut hasher = self.hashing.build_hasher();
        for value in row.values() {
            match value {
                Value::Null => 0_u8.hash(&mut hasher),
                Value::Bool(flag) => flag.hash(&mut hasher),
                Value::Integer(number) => number.hash(&mut hasher),
                Value::Number(number) => number.to_bits().hash(&mut hasher),
                Value::Text(text) => text.hash(&mut hasher),
            }
        }
        hasher.finish()
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looking at all of them takes a quarter of a second at most, which leaves the rest of the one in which a change has
/// to be noticed.
const RECORDS_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use gate_store::USERS;
    use tempfile::TempDir;

    async fn store() -> (TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).await.unwrap();
        (directory, store)
    }

    fn user(id: &str) -> Row {
        Row::new(&USERS).with("id", id).with("tokenKey", id).with("email", format!("{id}@example.com"))
    }

    async fn write(store: &Store, row: &Row) {
        let mut transaction = store.begin().await.unwrap();
        match transaction.find(&USERS, "id", row.id()).await.unwrap() {
            Some(_) => transaction.update(row, None).await.unwrap(),
            None => transaction.insert(row).await.unwrap(),
        }
        transaction.commit().await.unwrap();
    }

    fn epoch(handed_out: &HandedOut) -> u64 {
        handed_out.epoch().load(Ordering::Acquire)
    }

    #[tokio::test]
    async fn a_change_of_a_record_that_was_handed_out_raises_the_alarm() {
        let (_directory, store) = store().await;
        let handed_out = HandedOut::new();
        write(&store, &user("a")).await;
        write(&store, &user("b")).await;
        assert!(handed_out.remember(handed_out.look(), &user("a")));
        handed_out.look_again(&store).await.unwrap();
        let first = epoch(&handed_out);
        handed_out.look_again(&store).await.unwrap();
        write(&store, &user("b").with("name", "other")).await;
        handed_out.look_again(&store).await.unwrap();
        assert_eq!(epoch(&handed_out), first);
        write(&store, &user("a").with("name", "other")).await;
        handed_out.look_again(&store).await.unwrap();
        assert_eq!(epoch(&handed_out), first + 1);
        handed_out.look_again(&store).await.unwrap();
        assert_eq!(epoch(&handed_out), first + 1);
    }

    #[tokio::test]
    async fn what_was_read_before_a_look_and_remembered_after_it_has_to_be_read_again() {
        let (_directory, store) = store().await;
        let handed_out = HandedOut::new();
        let look = handed_out.look();
        handed_out.look_again(&store).await.unwrap();
        assert!(!handed_out.remember(look, &user("a")));
        assert!(handed_out.remember(handed_out.look(), &user("a")));
    }

    #[test]
    fn a_record_that_was_handed_out_as_another_one_raises_the_alarm() {
        let handed_out = HandedOut::new();
        handed_out.remember(handed_out.look(), &user("a"));
        handed_out.remember(handed_out.look(), &user("a"));
        assert_eq!(epoch(&handed_out), 0);
        handed_out.remember(handed_out.look(), &user("a").with("name", "other"));
        assert_eq!(epoch(&handed_out), 1);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_forgetting_raises_the_alarm() {
        let handed_out = HandedOut::new();
        for number in 0..=RECORDS_MAX {
            assert_eq!(epoch(&handed_out), 0);
            handed_out.remember(handed_out.look(), &user(&number.to_string()));
        }
        assert_eq!((epoch(&handed_out), handed_out.records().hashes.len()), (1, 1));
    }
}
