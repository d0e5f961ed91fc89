//! Copies of the records, and putting one back.

use crate::directory::{self, BACKUPS, DATABASE, Hold};
use crate::sqlite;
use crate::{MigrateError, OpenError, StoreError};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A backup in the data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The name of its file.
    pub name: String,
    /// When it was made.
    pub modified: SystemTime,
    /// How long it is.
    pub bytes: u64,
}

/// Why there is no new backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file of that name, which may be another backup.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("{} cannot be written: {cause}", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The records cannot be read, or not be written to the file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The records of a PostgreSQL database cannot be copied to the file.
    #[error(transparent)]
    Copy(#[from] MigrateError),
    /// The file cannot be opened as a database.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Why a backup was not put back. The records are as they were.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A gateway, or another command, has the data directory.
    #[error("{} is in use; stop the gateway first", directory.display())]
    InUse {
        /// The data directory.
        directory: PathBuf,
    },
    /// The backup is damaged, newer than this program, or none at all.
    #[error("the backup cannot be used: {0}")]
    Unusable(#[source] OpenError),
    /// The data directory cannot be written.
    #[error("{} cannot be written: {cause}", directory.display())]
    NotWritten {
        /// The data directory.
        directory: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

/// Where the backups of a data directory are kept unless somebody says otherwise.
pub fn backup_directory(directory: &Path) -> PathBuf {
    directory.join(BACKUPS)
}

/// The backups in a data directory, the newest first.
pub fn backups(directory: &Path) -> io::Result<Vec<Backup>> {
    let entries = match fs::read_dir(backup_directory(directory)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut backups = Vec::new();
    for entry in entries {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if metadata.is_file() && Path::new(&name).extension().is_some_and(|extension| extension == "db") {
            backups.push(Backup { name, modified: metadata.modified()?, bytes: metadata.len() });
        }
    }
    backups.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| b.name.cmp(&a.name)));
    Ok(backups)
}

/// Puts a backup in the place of the records of a data directory, and returns where those are kept; `None` when there
/// were none. Refuses while anybody has the directory.
///
/// A process that is killed leaves the records as they were, or as they are in the backup.
pub async fn restore(backup: &Path, directory: &Path) -> Result<Option<PathBuf>, RestoreError> {
    directory::create(directory).map_err(RestoreError::Unusable)?;
    let written = |cause| RestoreError::NotWritten { directory: directory.to_owned(), cause };
    let hold = Hold::alone(directory).await.map_err(written)?;
    let Some(_hold) = hold else { return Err(RestoreError::InUse { directory: directory.to_owned() }) };

    let restored = directory.join("data.db.restoring");
    directory::remove_database(&restored).map_err(written)?;
    directory::create_file(&restored).map_err(written)?;
    if let Err(error) = copy_checked(backup, &restored).await {
        directory::remove_database(&restored).map_err(written)?;
        return Err(RestoreError::Unusable(error));
    }
    sqlite::tidy(&directory.join(DATABASE)).await;
    swap(&restored, directory).map_err(written)
}

async fn copy_checked(backup: &Path, restored: &Path) -> Result<(), OpenError> {
    let not_readable = |cause| OpenError::NotReadable { path: backup.to_owned(), cause };
    let mut source = File::open(backup).map_err(not_readable)?;
    let mut target = OpenOptions::new().write(true).open(restored).map_err(not_readable)?;
    io::copy(&mut source, &mut target).map_err(not_readable)?;
    sqlite::check_backup(restored).await
}

/// The old database keeps its log: SQLite looks for that under the database's own name.
fn swap(restored: &Path, directory: &Path) -> io::Result<Option<PathBuf>> {
    File::open(restored)?.sync_all()?;
    let database = directory.join(DATABASE);
    let kept = if database.exists() {
        let kept = free_name(directory);
        directory::move_log(&database, &kept)?;
        // Where a file cannot have two names it is copied.
        fs::hard_link(&database, &kept).or_else(|_| fs::copy(&database, &kept).map(drop))?;
        Some(kept)
    } else {
        None
    };
    fs::rename(restored, &database)?;
    #[cfg(unix)] // elsewhere a directory cannot be opened
    File::open(directory)?.sync_all()?;
    Ok(kept)
}

fn free_name(directory: &Path) -> PathBuf {
    let names = (1_u32..).map(|number| directory.join(format!("data.db.replaced-{number}")));
    names.into_iter().find(|path| !path.exists()).unwrap_or_else(|| directory.join("data.db.replaced"))
}
