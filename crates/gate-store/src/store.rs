//! The store: every read and write of records goes through it.

use crate::directory::DATABASE;
use crate::sqlite::Sqlite;
use crate::{Changes, OpenError, ProxyRow, StoreError};
use std::path::Path;
use tokio::sync::watch;

/// Where records live. Cheap to clone; all clones are the same store.
///
/// Cancel-safety: a read that is dropped has no effect. A write that is dropped happened whole or not at all.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Backend,
    /// Tells this process's [`Changes`] to look at once instead of at their next tick.
    written: watch::Sender<()>,
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A new proxy.
    Insert(ProxyRow),
    /// Puts the row in the place of the one with its id, which keeps its `created`.
    Update {
        /// What is written.
        row: ProxyRow,
        /// The `updated` the caller last saw: anything else in the store is a conflict. `None` overwrites.
        expected_updated: Option<String>,
    },
    /// Takes a proxy away.
    Delete {
        /// Its id.
        id: String,
    },
}

/// The databases a store can live in. A second one joins here and passes the same conformance suite.
#[derive(Clone, Debug)]
enum Backend {
    Sqlite(Sqlite),
}

impl Store {
    /// Opens the store in a data directory; makes the directory, the database and its tables where they are missing.
    pub async fn open(directory: &Path) -> Result<Self, OpenError> {
        let backend = Backend::Sqlite(Sqlite::open(directory).await?);
        Ok(Store { backend, written: watch::Sender::new(()) })
    }

    /// Whether there is a store in a directory. Nothing is made or changed.
    pub fn is_in(directory: &Path) -> bool {
        directory.join(DATABASE).exists()
    }

    /// Finishes what runs and closes the database. A store that is dropped instead loses nothing,
    /// but leaves the work of tidying its write-ahead log to whoever opens it next.
    pub async fn close(self) {
        match self.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
        }
    }

    /// Every proxy, in the order they were made.
    pub async fn proxies(&self) -> Result<Vec<ProxyRow>, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.proxies().await,
        }
    }

    /// The proxy with this id.
    pub async fn proxy(&self, id: &str) -> Result<Option<ProxyRow>, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.proxy(id).await,
        }
    }

    /// The proxy with this very path.
    pub async fn proxy_by_path(&self, path: &str) -> Result<Option<ProxyRow>, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.proxy_by_path(path).await,
        }
    }

    /// Makes every change in the given order, or none. When it returns `Ok` they survive a crash and a loss of power.
    pub async fn apply(&self, changes: &[Change]) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.apply(changes).await?,
        }
        self.written.send_replace(());
        Ok(())
    }

    /// Notices of changes made from now on, by whomever.
    pub async fn changes(&self) -> Result<Changes, StoreError> {
        let source = match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.data_version().await?,
        };
        Ok(Changes::new(source, self.written.clone()))
    }
}
