//! The data directory and the database file in it: made for the owner's eyes only.

use crate::OpenError;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{self, Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::time;

/// The name of the database file of the records.
pub(crate) const DATABASE: &str = "data.db";

/// The name of the directory of backups.
pub(crate) const BACKUPS: &str = "backups";

/// The name of the file that says who is using the directory.
const HOLD: &str = "pocketgate.lock";

/// How long a directory is waited for: somebody who has just let go of it may have started a program that has not begun
/// yet, and holds what it inherited.
const HOLD_TIMEOUT: Duration = Duration::from_millis(500);
const HOLD_RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// The name of the database file of the logs, which may be as large as it likes, and be lost.
pub(crate) const LOG_DATABASE: &str = "auxiliary.db";

/// Makes the data directory (0700) and an empty database file (0600) where they are missing, makes sure that
/// both can be written, and returns the database's absolute path.
///
/// The file is made here and not by SQLite, which would give it the permissions of the umask; the files that
/// SQLite puts beside it take theirs from it. What exists keeps the permissions its owner gave it.
pub(crate) fn prepare(directory: &Path, database: &str) -> Result<PathBuf, OpenError> {
    create(directory)?;
    let path = path::absolute(directory).unwrap_or_else(|_| directory.to_owned()).join(database);
    match open_for_writing(&path) {
        Ok(_) => Ok(path),
        Err(_) if path.is_dir() => Err(OpenError::NotADatabase { path }),
        Err(cause) => Err(OpenError::NotWritable { path, cause }),
    }
}

/// Makes the data directory (0700) where it is missing.
pub(crate) fn create(directory: &Path) -> Result<(), OpenError> {
    match directory.metadata() {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err(OpenError::NotADirectory { path: directory.to_owned() }),
        Err(_) => {}
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(directory)
        .map_err(|cause| OpenError::CreateDirectory { path: directory.to_owned(), cause })
}

/// Opens for reading and writing without changing a byte, because SQLite falls back to reading only and says nothing.
fn open_for_writing(path: &Path) -> io::Result<File> {
    private().create(true).truncate(false).open(path)
}

/// Makes an empty file for the owner's eyes only, where there is none.
pub(crate) fn create_file(path: &Path) -> io::Result<()> {
    private().create_new(true).open(path).map(drop)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A database that is being written and has no name yet: nobody else writes to it, and dropping it removes it.
#[derive(Debug)]
pub(crate) struct Partial {
    path: PathBuf,
}

impl Partial {
    /// Makes an empty one; whoever makes another beside the same file at the same time gets another path.
    pub(crate) fn beside(file: &Path) -> io::Result<Self> {
        let mut number = 1_u32;
        loop {
            let path = file.with_extension(format!("{number}.partial"));
            match create_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                made => return made.map(|()| Partial { path }),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, unless there is a file of that name, which is an error: renaming would replace it.
    pub(crate) fn give_name(self, name: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, name) {
            Ok(()) => Ok(()),
            Err(_) if name.exists() => Err(io::ErrorKind::AlreadyExists.into()),
            // Where a file cannot have two names.
            Err(_) => fs::rename(&self.path, name),
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // What cannot be removed is in nobody's way.
        let _ = remove_database(&self.path);
    }
}

/// Removes a database with what SQLite puts beside it.
pub(crate) fn remove_database(path: &Path) -> io::Result<()> {
    for suffix in ["", LOG_SUFFIX, INDEX_SUFFIX] {
        ignore_missing(fs::remove_file(with_suffix(path, suffix)))?;
    }
    Ok(())
}

/// Moves what SQLite keeps beside a database to where it looks for it when the database has another name.
pub(crate) fn move_log(from: &Path, to: &Path) -> io::Result<()> {
    ignore_missing(fs::rename(with_suffix(from, LOG_SUFFIX), with_suffix(to, LOG_SUFFIX)))?;
    ignore_missing(fs::remove_file(with_suffix(from, INDEX_SUFFIX)))
}

/// The write-ahead log, and the index of it, which is made anew from it.
const LOG_SUFFIX: &str = "-wal";
const INDEX_SUFFIX: &str = "-shm";

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn ignore_missing(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// Keeps others from replacing the database for as long as it lives: all who have it open share it.
///
/// The lock is the system's, so it goes with the process. It is on a file of its own: SQLite's locks on the database
/// would be lost with the first of our handles to it.
#[derive(Debug)]
pub(crate) struct Hold {
    _file: File,
}

impl Hold {
    /// Shares the directory with others; `None` while somebody has it alone.
    pub(crate) async fn shared(directory: &Path) -> io::Result<Option<Self>> {
        Self::taken(directory, File::try_lock_shared).await
    }

    /// Takes the directory alone; `None` while anybody has it.
    pub(crate) async fn alone(directory: &Path) -> io::Result<Option<Self>> {
        Self::taken(directory, File::try_lock).await
    }

    async fn taken(
        directory: &Path,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> io::Result<Option<Self>> {
        let file = open_for_writing(&directory.join(HOLD))?;
        let deadline = Instant::now() + HOLD_TIMEOUT;
        loop {
            match lock(&file) {
                Ok(()) => return Ok(Some(Hold { _file: file })),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    time::sleep(HOLD_RETRY_INTERVAL).await;
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                // A file system without locks: nothing can be kept from happening there.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(Some(Hold { _file: file }));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

/// Which file a path leads to: tells a database from another one put in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    device: u64,
    number: u64,
}

impl FileIdentity {
    /// Where files have no number that can be asked for, an open file cannot be taken away either:
    /// every file is taken to be the same one.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Ok(FileIdentity { device: metadata.dev(), number: metadata.ino() })
        }
        #[cfg(not(unix))]
        {
            drop(metadata);
            Ok(FileIdentity { device: 0, number: 0 })
        }
    }
}
