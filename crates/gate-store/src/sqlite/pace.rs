//! When it is worth looking whether somebody wrote to a database.

use super::file_events::FileEvents;
use std::future;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time;

/// Says when it is worth looking whether somebody wrote to a database.
///
/// The system tells of writes to its files where it can; then nothing is done while nobody writes. A write is not yet a
/// commit: SQLite waits for the disk in between, and tells nobody when it goes on. So it is looked soon and then at pauses
/// that grow with the wait, for as long as a disk may take.
#[derive(Debug)]
pub(crate) struct Pace {
    /// `None`: it is looked all the time.
    events: Option<FileEvents>,
    /// When the system last told of a write.
    written_at: Option<Instant>,
    /// Between looks where the system tells of nothing.
    poll_interval: Duration,
}

impl Pace {
    /// Watches the files of a database; looks so often where the system does not tell.
    pub(super) fn of(database: &Path, poll_interval: Duration) -> Self {
        let events = FileEvents::of(database);
        if let Err(error) = &events {
            tracing::debug!(%error, "the system does not tell of writes to the database, it is looked at all the time");
        }
        // What was written just before is looked at soon.
        Pace { events: events.ok(), written_at: Some(Instant::now()), poll_interval }
    }

    /// Looks all the time.
    #[cfg(test)]
    pub(crate) fn polled(poll_interval: Duration) -> Self {
        Pace { events: None, written_at: None, poll_interval }
    }

    /// Whether the system tells.
    pub(crate) fn is_told(&self) -> bool {
        self.events.is_some()
    }

    /// Waits until the system tells of a write. Cancel-safe.
    pub(crate) async fn told(&mut self) {
        let Some(events) = &self.events else { return future::pending().await };
        let outcome = events.next().await;
        self.written_at = Some(Instant::now());
        if outcome.is_err() {
            // The directory itself went away, or more than was to be expected.
            self.events = None;
        }
        // A large transaction is thousands of writes.
        time::sleep(PAUSE_MIN).await;
    }

    /// How long to wait from one look to the next, as long as nothing is told.
    pub(crate) fn pause(&self) -> Duration {
        if self.events.is_none() {
            return self.poll_interval;
        }
        self.written_at.map_or(SAFETY_INTERVAL, |written_at| pause_after(written_at.elapsed()))
    }

    /// Waits until it is worth a look. Cancel-safe.
    pub(super) async fn due(&mut self) {
        let pause = self.pause();
        tokio::select! {
            () = self.told() => {}
            () = time::sleep(pause) => {}
        }
    }
}

/// How long to wait for the next look, so long after a write.
fn pause_after(elapsed: Duration) -> Duration {
    if elapsed < SETTLED_AFTER { (elapsed / PAUSE_PART).clamp(PAUSE_MIN, PAUSE_MAX) } else { SAFETY_INTERVAL }
}

/// About what it costs a commit that does not wait for the disk.
const PAUSE_MIN: Duration = Duration::from_millis(1);
/// A commit is seen late by a quarter at most of the time it waited for the disk: by 25 ms after 100 ms of waiting. A look
/// costs a tenth of a millisecond, and there are 60 of them after a write.
const PAUSE_PART: u32 = 4;
/// Of the 100 ms that are granted (005-SC-002), however long the disk took; the rest is for reading and publishing.
const PAUSE_MAX: Duration = Duration::from_millis(75);
/// Longer than a busy disk takes to write what a commit waits for.
const SETTLED_AFTER: Duration = Duration::from_secs(3);
/// Should the system not tell of a write after all (a network file system, whose other side writes): such a change is
/// noticed within about two seconds.
const SAFETY_INTERVAL: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn after_a_write_pauses_grow_until_nobody_looks() {
        let directory = tempfile::tempdir().unwrap();
        let mut pace = Pace::of(&directory.path().join("data.db"), Duration::from_millis(7));
        if !pace.is_told() {
            return assert_eq!(pace.pause(), Duration::from_millis(7));
        }
        pace.written_at = Instant::now().checked_sub(SETTLED_AFTER);
        assert_eq!(pace.pause(), SAFETY_INTERVAL);
        let pauses = [0, 3, 200, 2_900, 3_000].map(|elapsed| pause_after(Duration::from_millis(elapsed)));
        assert_eq!(pauses.map(|pause| pause.as_millis()), [1, 1, 50, 75, 2_000]);
        pace.events = None;
        assert_eq!(pace.pause(), Duration::from_millis(7), "without events it is looked all the time");
    }

    #[tokio::test]
    async fn only_writes_to_the_files_of_the_database_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let mut pace = Pace::of(&directory.path().join("data.db"), Duration::from_millis(7));
        if !pace.is_told() {
            return;
        }
        std::fs::write(directory.path().join("auxiliary.db"), "x").unwrap();
        assert!(time::timeout(Duration::from_millis(50), pace.told()).await.is_err());
        for name in ["data.db-wal", "data.db"] {
            std::fs::write(directory.path().join(name), "x").unwrap();
            time::timeout(Duration::from_secs(5), pace.told()).await.unwrap();
        }
    }
}
