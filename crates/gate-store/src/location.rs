//! Where a store is.

use crate::directory::DATABASE;
use crate::{OpenError, postgres};
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
    /// Whether a text is the URL of a PostgreSQL database rather than the name of a directory. A scheme is the same in any
    /// case (RFC 3986, section 3.1).
    pub fn is_postgres_url(text: &str) -> bool {
        let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
        ["postgres", "postgresql"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
    }

    /// Whether a text is meant to be a URL, of whatever kind: nobody has a directory of such a name, and there may be a
    /// password in it.
    pub fn is_url(text: &str) -> bool {
        text.contains("://")
    }

    /// Makes sure that a text is the URL of a PostgreSQL database, as far as that can be seen without connecting to it.
    ///
    /// # Errors
    /// What is wrong with it, without what it says.
    pub fn check_postgres_url(text: &str) -> Result<(), OpenError> {
        postgres::options(text).map(drop)
    }

    /// Whether there is a store already, as far as that can be seen without touching it.
    pub fn may_exist(&self) -> bool {
        match self {
            // Where that cannot be seen, whoever opens it is told why.
            Location::Directory(directory) => directory.join(DATABASE).try_exists().unwrap_or(true),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_known_in_any_case() {
        for url in ["postgres://a/b", "postgresql://a/b", "POSTGRES://a/b", "PostgreSQL://a/b"] {
            assert!(Location::is_postgres_url(url) && Location::is_url(url), "{url}");
            assert!(Location::check_postgres_url(url).is_ok(), "{url}");
        }
        for url in ["postgresq://a/b", "mysql://a/b", "postgres:/a/b", "postgres", "./postgres://a/b", ""] {
            assert!(!Location::is_postgres_url(url), "{url}");
            assert!(Location::check_postgres_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_told_without_its_password() {
        for url in ["mysql://me:canary@a/b", "postgres://me:canary@a:port/b", "postgres://me:canary@a:1:2/b"]
        {
            let error = Location::check_postgres_url(url).unwrap_err().to_string();
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_directory_that_cannot_be_looked_into_may_hold_a_database() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!Location::from(directory.path()).may_exist());
        assert!(!Location::from(&directory.path().join("missing")).may_exist());
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(Location::from(&file).may_exist());
    }
}
