//! Why the store cannot be opened, and why it refuses.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a data directory cannot be used. Each is one sentence for a person; nothing was changed on the disk.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory does not exist and cannot be made.
    #[error("the data directory {} cannot be created: {cause}", path.display())]
    CreateDirectory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Something else is in the directory's place.
    #[error("the data directory {} is not a directory", path.display())]
    NotADirectory {
        /// What should be the directory.
        path: PathBuf,
    },
    /// The directory, or the database in it, cannot be written.
    #[error("the data directory is not writable: {} cannot be written: {cause}", path.display())]
    NotWritable {
        /// The database file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {cause}", path.display())]
    NotReadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The file in the database's place is something else.
    #[error("{} is not a database", path.display())]
    NotADatabase {
        /// The database file.
        path: PathBuf,
    },
    /// A database, but not one of PocketBase.
    #[error("{} is not the database of a PocketBase of version 0.23 or newer: {cause}", path.display())]
    NotPocketBase {
        /// The database file.
        path: PathBuf,
        /// What the database says.
        cause: Cause,
    },
    /// What should be the URL of a database is none.
    #[error("the database's URL is not one of PostgreSQL: {cause}")]
    Address {
        /// What is wrong with it.
        cause: Cause,
    },
    /// A database, but a damaged one.
    #[error("the database {} is damaged ({finding}); restore it from a backup", path.display())]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// The first thing found wrong.
        finding: String,
    },
    /// The schema is from the future: to write to it could lose what this version does not know.
    #[error(
        "the database {database} was written by a newer pocketgate (schema version {found}, this one knows {known}); \
         use that version or restore an older backup"
    )]
    Newer {
        /// The database file, or the name of the database.
        database: String,
        /// The schema version found.
        found: i64,
        /// The newest schema version this program knows.
        known: i64,
    },
    /// Another program kept the database locked for longer than is worth waiting.
    #[error("the database {database} is locked by another program")]
    Locked {
        /// The database file, or the name of the database.
        database: String,
    },
    /// Anything else.
    #[error("the database {database} cannot be opened: {cause}")]
    Failed {
        /// The database file, or the name of the database.
        database: String,
        /// What the database says.
        cause: Cause,
    },
}

/// Why the store refuses a read or a write. After any of these nothing of the write is in the database; only after
/// [`StoreError::Unavailable`] it may be, when the connection was lost while it was being committed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another record has the same value in a field that must be unique.
    #[error("another record already has the {field} of record {id}")]
    NotUnique {
        /// The record that was written.
        id: String,
        /// The field's name.
        field: &'static str,
    },
    /// The record to change is not there.
    #[error("there is no record {id}")]
    NotFound {
        /// The record asked for.
        id: String,
    },
    /// The record is not as the caller last saw it (contract D-13).
    #[error("record {id} was changed in the meantime")]
    Conflict {
        /// The record to be written.
        id: String,
    },
    /// Another program keeps the database locked.
    #[error("the database is locked by another program")]
    Busy,
    /// No room for the write.
    #[error("there is no space left for the database")]
    Full,
    /// The file can be read but not written.
    #[error("the database is read-only")]
    ReadOnly,
    /// The file was taken away or replaced while it was open: a write would be lost with it.
    #[error("the database file was removed or replaced while it was open")]
    Replaced,
    /// The database cannot be reached, or does not answer in time. It may be back at any moment.
    #[error("the database is not available: {0}")]
    Unavailable(Cause),
    /// Anything else.
    #[error("the database failed: {0}")]
    Failed(Cause),
}

/// What the database itself said; for the log.
pub struct Cause(Box<dyn std::error::Error + Send + Sync>);

impl Cause {
    pub(crate) fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Cause(error.into())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for Cause {}
