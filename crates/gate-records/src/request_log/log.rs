//! Writes the log, beside the requests it is about.

use super::entry::{Level, LogEntry};
use crate::timestamp::Timestamp;
use gate_store::{Row, Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::{Mutex, mpsc};
use tokio::time::sleep;

/// The log of requests: of every one to the control plane, and of some that are forwarded. Cheap to clone; all clones are the same
/// log.
///
/// A request never waits for it: a line that finds the queue full is dropped and counted, and what went well has half of the queue
/// at most.
#[derive(Clone, Debug)]
pub struct RequestLog {
    pub(super) store: Store,
    entries: mpsc::Sender<LogEntry>,
    dropped: Arc<AtomicU64>,
    emptied: Emptied,
}

/// When the log was last emptied: what was queued before must not come after. Held while lines are deleted or written.
type Emptied = Arc<Mutex<Option<Timestamp>>>;

/// Takes lines from the queue and writes them.
#[derive(Debug)]
pub struct LogWriter {
    store: Store,
    entries: mpsc::Receiver<LogEntry>,
    dropped: Arc<AtomicU64>,
    emptied: Emptied,
}

impl RequestLog {
    /// A log, and who has to [run](LogWriter::run) so that something is written.
    pub fn new(store: Store) -> (Self, LogWriter) {
        let (entries, receiver) = mpsc::channel(QUEUE_ENTRIES_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let emptied = Emptied::default();
        let writer = LogWriter {
            store: store.clone(),
            entries: receiver,
            dropped: Arc::clone(&dropped),
            emptied: Arc::clone(&emptied),
        };
        (RequestLog { store, entries, dropped, emptied }, writer)
    }

    /// Queues a line.
    pub fn add(&self, entry: LogEntry) {
        let is_crowded = self.entries.capacity() < QUEUE_ENTRIES_MAX / 2;
        if is_crowded && entry.level < Level::Error || self.entries.try_send(entry).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines were dropped since the start, because the queue was full or could not be written.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Deletes what is older than so many days; returns how many lines that were.
    pub async fn keep_days(&self, days: u32) -> Result<u64, StoreError> {
        let age = DAY.saturating_mul(days);
        let oldest = SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
        self.store.logs().delete_before(&Timestamp::from(oldest).to_string()).await
    }

    /// Deletes everything, and what waits to be written.
    pub async fn truncate(&self) -> Result<(), StoreError> {
        let mut emptied = self.emptied.lock().await;
        *emptied = Some(Timestamp::now());
        self.store.logs().truncate().await
    }
}

impl LogWriter {
    /// Writes what is queued, in batches, until nobody can add anything any more; keeps the newest [`ENTRIES_MAX`].
    ///
    /// A batch that cannot be written is dropped and counted; the trouble is told once, until it is over.
    pub async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH_ENTRIES_MAX);
        let mut is_broken = false;
        let mut written = 0;
        while self.entries.recv_many(&mut batch, BATCH_ENTRIES_MAX).await > 0 {
            let emptied = self.emptied.lock().await;
            let is_after = |entry: &LogEntry| emptied.is_none_or(|emptied| entry.created() >= emptied);
            let rows: Vec<Row> = batch.drain(..).filter(is_after).map(LogEntry::into_row).collect();
            let appended = self.store.logs().append(&rows).await;
            drop(emptied);
            match appended {
                Ok(()) => is_broken = false,
                Err(error) => {
                    self.dropped.fetch_add(rows.len() as u64, Ordering::Relaxed);
                    if !is_broken {
                        tracing::warn!(%error, "the request log cannot be written; its lines are dropped");
                    }
                    is_broken = true;
                }
            }
            written += rows.len();
            if written >= SHORTEN_EVERY {
                written = 0;
                self.shorten().await;
            }
            sleep(BATCH_PAUSE).await;
        }
    }

    async fn shorten(&self) {
        if let Err(error) = self.store.logs().keep_newest(ENTRIES_MAX).await {
            tracing::warn!(%error, "the request log cannot be shortened");
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A second of a busy control plane; at about a kilobyte each no burden while the disk is slow.
const QUEUE_ENTRIES_MAX: usize = 4096;
/// As many as one transaction writes in some ten milliseconds; a full queue is four of them.
const BATCH_ENTRIES_MAX: usize = 1024;
/// A transaction costs more than the lines in it: ten a second are enough.
const BATCH_PAUSE: Duration = Duration::from_millis(100);
/// Some 200 MB. A busy gateway fills the days it may keep faster than anybody can read them.
const ENTRIES_MAX: u64 = 200_000;
/// Seldom enough to cost nothing, often enough to be off by a twentieth.
const SHORTEN_EVERY: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;
    use tempfile::TempDir;

    async fn log() -> (TempDir, RequestLog, LogWriter) {
        let directory = TempDir::new().unwrap();
        let (log, writer) = RequestLog::new(Store::open(directory.path()).await.unwrap());
        (directory, log, writer)
    }

    fn add(log: &RequestLog, level: Level, count: usize) {
        for _ in 0..count {
            log.add(LogEntry::new(level, "GET /".to_owned(), Map::new()));
        }
    }

    #[tokio::test]
    async fn what_went_well_leaves_half_of_the_queue_to_what_failed() {
        let (_directory, log, mut writer) = log().await;
        add(&log, Level::Info, QUEUE_ENTRIES_MAX);
        let taken = writer.entries.len();
        assert!((QUEUE_ENTRIES_MAX / 2..=QUEUE_ENTRIES_MAX / 2 + 1).contains(&taken), "{taken}");
        add(&log, Level::Error, QUEUE_ENTRIES_MAX);
        assert_eq!(writer.entries.len(), QUEUE_ENTRIES_MAX);
        assert_eq!(log.dropped(), QUEUE_ENTRIES_MAX as u64);
        writer.entries.close();
        let mut queued = Vec::new();
        writer.entries.recv_many(&mut queued, QUEUE_ENTRIES_MAX).await;
        assert_eq!(
            queued.iter().filter(|entry| entry.level == Level::Error).count(),
            QUEUE_ENTRIES_MAX - taken
        );
    }

    #[tokio::test]
    async fn what_was_queued_before_the_log_was_emptied_does_not_come_after() {
        let (_directory, log, writer) = log().await;
        let store = log.store.clone();
        add(&log, Level::Info, 3);
        sleep(Duration::from_millis(2)).await;
        log.truncate().await.unwrap();
        add(&log, Level::Info, 1);
        drop(log);
        writer.run().await;
        assert_eq!(store.logs().count(&[]).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_is_queued_is_written_before_the_end() {
        let (_directory, log, writer) = log().await;
        let store = log.store.clone();
        add(&log, Level::Error, BATCH_ENTRIES_MAX + 1);
        drop(log);
        writer.run().await;
        assert_eq!(store.logs().count(&[]).await.unwrap(), BATCH_ENTRIES_MAX as u64 + 1);
    }
}
