//! Whether somebody wrote to the database: SQLite's own counter, seen from a connection that never writes.

use super::database::OpenFile;
use super::{failure, open};
use crate::StoreError;
use sqlx::{ConnectOptions, SqliteConnection};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tracing::{info, warn};

/// How often the counter is read although the log file looks untouched: should a file system not keep its dates,
/// changes are still noticed within a second.
const READ_INTERVAL_MAX: Duration = Duration::from_secs(1);

/// The same where the system tells of writes as well: both would have to fail.
const TOLD_READ_INTERVAL_MAX: Duration = Duration::from_secs(10);

/// File systems keep dates to 4 ms, some to 2 s: two writes closer together than this may leave the same date.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// Watches `PRAGMA data_version`, which moves whenever any other connection, of this process or another, commits.
///
/// Reading it costs two switches of threads. So the log file is looked at first, which every commit writes to: as
/// long as it has the length and the date it had at the last reading, and that date was old even then, nobody did.
#[derive(Debug)]
pub(crate) struct DataVersion {
    file: Arc<OpenFile>,
    log_path: PathBuf,
    /// `None` after a failure: the next look connects anew.
    connection: Option<SqliteConnection>,
    /// The counter at the last reading. It means something only within one connection; `None` after a new one.
    seen: Option<i64>,
    /// When the counter was last read, and the log file just before that, if nobody had written to it for a while.
    read_at: Instant,
    settled_log: Option<LogStamp>,
    /// Whether the last look failed; an outage is logged once, not at every look.
    failing: bool,
}

/// What a write to the log file changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LogStamp {
    length: u64,
    modified: SystemTime,
}

impl DataVersion {
    pub(super) async fn connect(file: Arc<OpenFile>) -> Result<Self, StoreError> {
        let mut watched = DataVersion {
            log_path: file.path.with_extension("db-wal"),
            file,
            connection: None,
            seen: None,
            read_at: Instant::now(),
            settled_log: None,
            failing: false,
        };
        watched.seen = Some(watched.read().await?);
        Ok(watched)
    }

    /// Whether somebody wrote since the last look. After an outage the answer is yes, because nobody knows what happened in it.
    /// `is_told`: the system tells of writes as well.
    ///
    /// Cancel-safe: what was not answered is answered at the next look.
    pub(crate) async fn moved(&mut self, is_told: bool) -> Result<bool, StoreError> {
        let log = LogStamp::of(&self.log_path);
        let read_interval_max = if is_told { TOLD_READ_INTERVAL_MAX } else { READ_INTERVAL_MAX };
        if log.is_some() && log == self.settled_log && self.read_at.elapsed() < read_interval_max {
            return Ok(false);
        }
        let version = self.read().await.inspect_err(|error| self.note_failure(error))?;
        self.read_at = Instant::now();
        self.settled_log = log.filter(LogStamp::is_settled);
        self.note_recovery();
        Ok(self.seen.replace(version) != Some(version))
    }

    async fn read(&mut self) -> Result<i64, StoreError> {
        self.file.ensure_in_place()?;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                self.seen = None;
                none.insert(connect(&self.file.path).await.map_err(failure::store_error)?)
            }
        };
        let version = sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await;
        version.map_err(failure::store_error)
    }

    fn note_failure(&mut self, error: &StoreError) {
        self.connection = None;
        self.settled_log = None;
        if !self.failing {
            warn!(%error, "the database cannot be watched for changes");
        }
        self.failing = true;
    }

    fn note_recovery(&mut self) {
        if self.failing {
            info!("the database is watched for changes again");
        }
        self.failing = false;
    }
}

impl LogStamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        Some(LogStamp { length: metadata.len(), modified: metadata.modified().ok()? })
    }

    /// Whether a write from now on is sure to leave another date. A date in the future never is.
    fn is_settled(&self) -> bool {
        self.modified.elapsed().is_ok_and(|age| age > SETTLED_AFTER)
    }
}

/// Locks are not waited for: the next look comes soon enough.
async fn connect(path: &Path) -> sqlx::Result<SqliteConnection> {
    open::options(path).busy_timeout(Duration::ZERO).connect().await
}
