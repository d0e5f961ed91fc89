//! Notices of writes by whomever: this process, the command line, another gateway.

use super::change::{Action, RecordChange};
use super::record::Record;
use super::service::{Parts, Records};
use crate::collections::Collection;
use gate_store::{Changes, Row, Select, StoreError};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};
use tokio::sync::watch;
use tokio::time::{self, Instant};

/// Tells of every write once it is durable, by whomever it was made.
///
/// Writes of this process are told as they are made. Those of others are found by looking at all records when the store
/// notices that somebody wrote, and comparing them with what they were; so of several writes of one record between two
/// looks, the last one is told. All of that happens while somebody listens; a collection with more than 10,000 records is
/// not looked at.
pub struct Follower {
    parts: Arc<Parts>,
    own: Receiver<RecordChange>,
    changes: Changes,
    listened: watch::Receiver<bool>,
    told: Sender<RecordChange>,
    /// What every record was at the last look, or since, by collection and id. Without the collections that were not
    /// looked at: all of them before the first look, and those that are too large.
    known: HashMap<&'static str, HashMap<String, Known>>,
    /// Deleted records of which was told because of a look: the notice of the write itself may be yet to come.
    told_deleted: VecDeque<Key>,
    next_look: Instant,
}

/// Collection and id.
type Key = (&'static str, String);

struct Known {
    record: Record,
    /// Whether it was told because of a look, before the notice of the write itself.
    by_look: bool,
}

impl Records {
    /// Notices of every write from now on, while `listened` says that somebody wants them.
    pub async fn follow(&self, listened: watch::Receiver<bool>) -> Result<Follower, StoreError> {
        Ok(Follower {
            parts: Arc::clone(&self.parts),
            own: self.changes(),
            changes: self.parts.store.changes().await?,
            listened,
            told: Sender::new(CHANGES_KEPT),
            known: HashMap::new(),
            told_deleted: VecDeque::new(),
            next_look: Instant::now(),
        })
    }
}

impl Follower {
    /// Where it is told. Whoever falls far behind is told so, and has missed some.
    pub fn changes(&self) -> Receiver<RecordChange> {
        self.told.subscribe()
    }

    /// Tells until nobody can write, or want to know, any more. Cancel-safe: nothing but notices is lost.
    pub async fn run(mut self) {
        while self.wait_for_listeners().await {
            self.look().await;
            while *self.listened.borrow() {
                tokio::select! {
                    // What is known to have been written is told before anybody looks for more.
                    biased;
                    own = self.own.recv() => match own {
                        Ok(change) => self.hear(change),
                        Err(RecvError::Lagged(_)) => self.look().await,
                        Err(RecvError::Closed) => return,
                    },
                    () = changed(&mut self.changes, self.next_look) => self.look().await,
                    listened = self.listened.changed() => if listened.is_err() { return },
                }
            }
            self.known.clear();
            self.told_deleted.clear();
        }
    }

    /// Whether anybody ever will. What is written meanwhile nobody is told.
    async fn wait_for_listeners(&mut self) -> bool {
        while !*self.listened.borrow_and_update() {
            let own = tokio::select! {
                biased;
                listened = self.listened.changed() => match listened {
                    Ok(()) => continue,
                    Err(_) => return false,
                },
                own = self.own.recv() => own,
            };
            match own {
                // Somebody has begun to listen just before it was written.
                Ok(change) if *self.listened.borrow() => self.tell(change),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return false,
            }
        }
        true
    }

    /// Of a write of this process, unless a look was faster.
    fn hear(&mut self, change: RecordChange) {
        let Some(record) = change.record() else { return };
        let key = key(record);
        let was_told_deleted = self.forget_deleted(&key);
        let known = self.known.get_mut(key.0);
        if change.action() == Action::Delete {
            known.map(|known| known.remove(&key.1));
            if !was_told_deleted {
                self.tell(change);
            }
            return;
        }
        if let Some(known) = known {
            let told = known.get(&key.1).filter(|known| known.by_look);
            if told.is_some_and(|told| updated(&told.record) >= updated(record)) {
                return;
            }
            known.insert(key.1, Known { record: record.clone(), by_look: false });
        }
        self.tell(change);
    }

    /// Tells what is not as it was.
    async fn look(&mut self) {
        let found = self.rows().await;
        self.next_look = Instant::now() + PAUSE;
        let found = match found {
            Ok(found) => found,
            // The store says so as well; its return is a notice.
            Err(error) => return tracing::debug!(%error, "what others wrote cannot be looked at"),
        };
        let (mut written, mut deleted) = (Vec::new(), Vec::new());
        for (collection, rows) in found {
            let before = self.known.remove(collection.name);
            // One that is too large is forgotten; if it shrinks, the next look at it is the first again.
            let Some(rows) = rows else { continue };
            // The first look tells nothing.
            let is_first = before.is_none();
            let mut known = before.unwrap_or_default();
            let differences = self.written(collection, &mut known, &rows, !is_first);
            if !is_first {
                written.extend(differences);
                deleted.extend(self.deleted(collection, &mut known, &rows));
            }
            self.known.insert(collection.name, known);
        }
        written.sort_by(|a, b| a.record().map(updated).cmp(&b.record().map(updated)));
        for change in written.into_iter().chain(deleted) {
            self.tell(change);
        }
    }

    /// What is new or different.
    fn written(
        &mut self,
        collection: &'static Collection,
        known: &mut HashMap<String, Known>,
        rows: &[Row],
        by_look: bool,
    ) -> Vec<RecordChange> {
        let mut written = Vec::new();
        for row in rows {
            let before = known.get(row.id()).map(|known| &known.record);
            if before.is_some_and(|before| updated(before) == row.text("updated")) {
                continue;
            }
            // A secret that cannot be read is not shown; the log has said why.
            let Ok(after) = self.parts.record(collection, row) else { continue };
            written.push(RecordChange { before: before.cloned(), after: Some(after.clone()) });
            known.insert(row.id().to_owned(), Known { record: after, by_look });
            self.forget_deleted(&(collection.name, row.id().to_owned()));
        }
        written
    }

    /// What is gone.
    fn deleted(
        &mut self,
        collection: &'static Collection,
        known: &mut HashMap<String, Known>,
        rows: &[Row],
    ) -> Vec<RecordChange> {
        let there: HashSet<&str> = rows.iter().map(Row::id).collect();
        let gone: Vec<_> = known.extract_if(|id, _| !there.contains(id.as_str())).collect();
        self.told_deleted.extend(gone.iter().map(|(id, _)| (collection.name, id.clone())));
        let forgotten = self.told_deleted.len().saturating_sub(CHANGES_KEPT);
        self.told_deleted.drain(..forgotten);
        let changes = gone.into_iter().map(|(_, known)| known.record);
        changes.map(|record| RecordChange { before: Some(record), after: None }).collect()
    }

    /// Says whether it was told that a record is gone. Whatever is heard of the record next is another matter.
    fn forget_deleted(&mut self, key: &Key) -> bool {
        let position = self.told_deleted.iter().position(|told| told == key);
        position.and_then(|position| self.told_deleted.remove(position)).is_some()
    }

    /// Every record of the collections that are looked at; `None` for one that is too large.
    async fn rows(&self) -> Result<Vec<(&'static Collection, Option<Vec<Row>>)>, StoreError> {
        let mut all = Vec::new();
        for collection in Collection::all() {
            let table = collection.table();
            let rows = if self.parts.store.count(table).await? <= RECORDS_MAX {
                Some(self.parts.store.select(&Select::all(table)).await?)
            } else {
                None
            };
            all.push((collection, rows));
        }
        Ok(all)
    }

    fn tell(&self, change: RecordChange) {
        // Nobody listens: nobody has to be told.
        let _ = self.told.send(change);
    }
}

/// Waits for a change that is worth a look.
async fn changed(changes: &mut Changes, next_look: Instant) {
    time::sleep_until(next_look).await;
    changes.changed().await;
}

fn key(record: &Record) -> Key {
    (record.collection().name, record.id().to_owned())
}

/// Dates in PocketBase's form are in the order of their texts.
fn updated(record: &Record) -> &str {
    record.text("updated")
}

/// As many notices as a listener may be behind.
const CHANGES_KEPT: usize = 1024;
/// Proxies there may be so many; a look at more accounts would keep the store from those who log in.
const RECORDS_MAX: u64 = 10_000;
/// A person who watches does not see the difference, and a store that is written to all the time is looked at no more
/// often.
const PAUSE: Duration = Duration::from_millis(250);
