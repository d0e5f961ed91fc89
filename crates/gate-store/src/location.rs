//! Where a store is.

use crate::directory::DATABASE;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a store is: in a data directory, or in a PostgreSQL database with a data directory beside it.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// An SQLite database in this directory.
    Directory(PathBuf),
    /// A PostgreSQL database.
    Postgres {
        /// `postgres://user:password@host:port/database`, with libpq's parameters behind a `?`.
        url: String,
        /// Where the last snapshot is kept, for a start while the database is away.
        directory: PathBuf,
    },
}

impl Location {
    /// Whether a text is the URL of a PostgreSQL database rather than the name of a directory.
    pub fn is_postgres_url(text: &str) -> bool {
        ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
    }

    /// Whether there is a store already, as far as that can be seen without touching it.
    pub fn may_exist(&self) -> bool {
        match self {
            Location::Directory(directory) => directory.join(DATABASE).exists(),
            Location::Postgres { .. } => true,
        }
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        match self {
            Location::Directory(directory) | Location::Postgres { directory, .. } => directory,
        }
    }
}

/// A directory is one without a database beside it.
impl<P: AsRef<Path> + ?Sized> From<&P> for Location {
    fn from(directory: &P) -> Self {
        Location::Directory(directory.as_ref().to_owned())
    }
}

/// Without the password that may be in a URL.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Directory(directory) => f.debug_tuple("Directory").field(directory).finish(),
            Location::Postgres { directory, .. } => {
                f.debug_struct("Postgres").field("directory", directory).finish_non_exhaustive()
            }
        }
    }
}
