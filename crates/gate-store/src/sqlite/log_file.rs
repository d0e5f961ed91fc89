//! The database of the logs: a file of its own, opened when it is first needed.

use super::contents::LOGS;
use super::database::Sqlite;
use crate::error::Cause;
use crate::{OpenError, StoreError};
use std::path::{Path, PathBuf};
use tokio::sync::OnceCell;

/// The database of the logs. One that is damaged, locked or full is nobody's trouble but its own: opening the store
/// does not touch it.
#[derive(Debug)]
pub(crate) struct LogFile {
    directory: PathBuf,
    opened: OnceCell<Sqlite>,
}

impl LogFile {
    pub(crate) fn new(directory: &Path) -> Self {
        LogFile { directory: directory.to_owned(), opened: OnceCell::new() }
    }

    /// The open database. After a failure the next caller tries again.
    pub(crate) async fn database(&self) -> Result<&Sqlite, StoreError> {
        self.opened.get_or_try_init(|| Sqlite::open(&self.directory, &LOGS)).await.map_err(store_error)
    }

    pub(crate) async fn close(&self) {
        if let Some(sqlite) = self.opened.get() {
            sqlite.clone().close().await;
        }
    }
}

fn store_error(error: OpenError) -> StoreError {
    match error {
        OpenError::Locked { .. } => StoreError::Busy,
        error => StoreError::Failed(Cause::new(error)),
    }
}
