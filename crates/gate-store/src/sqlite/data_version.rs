//! Whether somebody wrote to the database: SQLite's own counter, seen from a connection that never writes.

use super::database::OpenFile;
use super::{failure, open};
use crate::StoreError;
use sqlx::{ConnectOptions, SqliteConnection};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Watches `PRAGMA data_version`, which moves whenever any other connection, of this process or another, commits.
#[derive(Debug)]
pub(crate) struct DataVersion {
    file: Arc<OpenFile>,
    /// `None` after a failure: the next look connects anew.
    connection: Option<SqliteConnection>,
    /// The counter at the last look. It means something only within one connection; `None` after a new one.
    seen: Option<i64>,
    /// Whether the last look failed; an outage is logged once, not at every look.
    failing: bool,
}

impl DataVersion {
    pub(super) async fn connect(file: Arc<OpenFile>) -> Result<Self, StoreError> {
        let mut watched = DataVersion { file, connection: None, seen: None, failing: false };
        watched.seen = Some(watched.look().await?);
        Ok(watched)
    }

    /// Whether somebody wrote since the last look; `None` when the database cannot be asked.
    /// After an outage the answer is yes, because nobody knows what happened in it.
    ///
    /// Cancel-safe: what was not answered is answered at the next look.
    pub(crate) async fn moved(&mut self) -> Option<bool> {
        match self.look().await {
            Ok(version) => {
                self.note_recovery();
                Some(self.seen.replace(version) != Some(version))
            }
            Err(error) => {
                self.note_failure(&error);
                None
            }
        }
    }

    async fn look(&mut self) -> Result<i64, StoreError> {
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

/// Locks are not waited for: the next look comes soon enough.
async fn connect(path: &Path) -> sqlx::Result<SqliteConnection> {
    open::options(path).busy_timeout(Duration::ZERO).connect().await
}
