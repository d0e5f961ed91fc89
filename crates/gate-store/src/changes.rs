//! The notice that somebody changed the records.

use crate::postgres::Revision;
use crate::sqlite::Watcher;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time;

/// The pauses between looks at a database that cannot be read: each is twice the one before it. That it can be read
/// again is noticed within about a second, and trying does not burden a machine that is in trouble already.
const RETRY_INTERVAL_MIN: Duration = Duration::from_millis(40);
const RETRY_INTERVAL_MAX: Duration = Duration::from_secs(1);

/// Notices of changes, by this process or by another one.
///
/// A write of this process is noticed at once, one of another process as soon as the system tells of it (SQLite on
/// Linux; elsewhere within 20 ms) or its notice arrives (PostgreSQL; should that be lost, within 5 s). Several changes between two calls are one notice. An unreadable or locked database is no change; when it is back, that is one.
#[derive(Debug)]
pub struct Changes {
    source: Source,
    written: watch::Receiver<()>,
    /// Keeps `written` open after the store itself was dropped.
    _sender: watch::Sender<()>,
    /// From a failed look to the next; `None` after one that did not fail.
    retry: Option<Duration>,
}

/// What a look at the database finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// Somebody wrote.
    Changed,
    /// It cannot be looked at any more. Whether it can be read is another question: it may be no more than that connection.
    Away,
}

/// What tells whether somebody wrote.
#[derive(Debug)]
pub(crate) enum Source {
    Sqlite(Watcher),
    Postgres(Revision),
}

impl Changes {
    pub(crate) fn new(source: Source, sender: watch::Sender<()>) -> Self {
        let retry = (!source.is_connected()).then_some(RETRY_INTERVAL_MIN);
        Changes { source, written: sender.subscribe(), _sender: sender, retry }
    }

    /// Waits until something was changed since the last call, or since the notices were asked for.
    ///
    /// Cancel-safe: a change whose notice was not delivered is delivered by the next call.
    pub async fn changed(&mut self) {
        while self.changed_or_away().await == Noticed::Away {}
    }

    /// As [`Changes::changed`], and tells as well when a look fails after one that did not.
    ///
    /// Cancel-safe likewise.
    pub async fn changed_or_away(&mut self) -> Noticed {
        loop {
            let pause = self.retry.unwrap_or_else(|| self.source.pause());
            tokio::select! {
                _ = self.written.changed() => {}
                () = self.source.notified() => {}
                () = time::sleep(pause) => {}
            }
            match (self.source.moved().await, self.retry) {
                (Some(moved), _) => {
                    self.retry = None;
                    if moved {
                        return Noticed::Changed;
                    }
                }
                (None, None) => {
                    self.retry = Some(RETRY_INTERVAL_MIN);
                    return Noticed::Away;
                }
                (None, Some(interval)) => self.retry = Some((interval * 2).min(RETRY_INTERVAL_MAX)),
            }
        }
    }
}

impl Source {
    /// Whether the database could be looked at when it was begun.
    fn is_connected(&self) -> bool {
        match self {
            Source::Sqlite(_) => true,
            Source::Postgres(revision) => revision.is_connected(),
        }
    }

    /// Waits until there is something to look at. Cancel-safe.
    async fn notified(&mut self) {
        match self {
            Source::Sqlite(watcher) => watcher.told().await,
            Source::Postgres(revision) => revision.notified().await,
        }
    }

    /// Whether somebody wrote since the last look; `None` when that cannot be told.
    async fn moved(&mut self) -> Option<bool> {
        match self {
            Source::Sqlite(watcher) => watcher.moved().await,
            Source::Postgres(revision) => revision.moved().await,
        }
    }

    /// How long to wait for that until the next look.
    fn pause(&self) -> Duration {
        match self {
            Source::Sqlite(watcher) => watcher.pause(),
            Source::Postgres(_) => Revision::POLL_INTERVAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Change, PROXIES, ProxyRow, Row, Store};
    use std::time::Instant;
    use tokio::time::timeout;

    /// What is granted from a commit until it is noticed (005-SC-002).
    const GRANTED: Duration = Duration::from_millis(100);
    const COMMITS: usize = 20;

    /// With another store in the place of another process: neither knows of the other but by the file.
    async fn check(mut changes: Changes, other: &Store) {
        let mut delays = Vec::new();
        for number in 0..COMMITS {
            // The looks after the write before this one are over, so that it is the next notice that counts.
            let _ = timeout(Duration::from_millis(60), changes.changed()).await;
            let id = number.to_string();
            let row = Row::new(&PROXIES).with("id", &*id).with("path", &*id);
            other.apply(&[Change::Insert(ProxyRow::from_row(&row))]).await.unwrap();
            let committed = Instant::now();
            changes.changed().await;
            delays.push(committed.elapsed());
        }
        delays.sort_unstable();
        // The last may have met a busy machine.
        assert!(delays[COMMITS - 2] < GRANTED, "{delays:?}");
    }

    #[tokio::test]
    async fn r005_sc_002_a_commit_by_another_process_is_noticed_where_the_system_tells_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).await.unwrap();
        let other = Store::open(directory.path()).await.unwrap();
        check(store.changes().await.unwrap(), &other).await;
    }

    #[tokio::test]
    async fn r005_sc_002_a_commit_by_another_process_is_noticed_where_the_system_tells_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).await.unwrap();
        let other = Store::open(directory.path()).await.unwrap();
        let mut changes = store.changes().await.unwrap();
        let Source::Sqlite(watcher) = &mut changes.source else { panic!("not SQLite") };
        watcher.be_told_nothing();
        check(changes, &other).await;
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn nobody_looks_while_nobody_writes() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).await.unwrap();
        let mut changes = store.changes().await.unwrap();
        let Source::Sqlite(watcher) = &mut changes.source else { panic!("not SQLite") };
        time::sleep(Duration::from_millis(3100)).await;
        assert!(watcher.pause() >= Duration::from_secs(1), "{:?}", watcher.pause());
    }
}
