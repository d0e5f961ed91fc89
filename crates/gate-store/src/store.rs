//! The store: every read and write of records goes through it.

use crate::dialect::Dialect;
use crate::directory::DATABASE;
use crate::sqlite::Sqlite;
use crate::statement::Statement;
use crate::{Changes, OpenError, PROXIES, ProxyRow, Row, Select, StoreError, Table, Transaction, Value};
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

/// One write of a proxy.
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

    /// Every proxy, in the order they were made: what the compiler reads, 10,000 at one go.
    pub async fn proxies(&self) -> Result<Vec<ProxyRow>, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.proxies().await,
        }
    }

    /// The proxy with this id.
    pub async fn proxy(&self, id: &str) -> Result<Option<ProxyRow>, StoreError> {
        let found = self.find(&PROXIES, "id", id).await?;
        Ok(found.as_ref().map(ProxyRow::from_row))
    }

    /// The proxy with this very path.
    pub async fn proxy_by_path(&self, path: &str) -> Result<Option<ProxyRow>, StoreError> {
        let found = self.find(&PROXIES, "path", path).await?;
        Ok(found.as_ref().map(ProxyRow::from_row))
    }

    /// The rows asked for.
    pub async fn select(&self, select: &Select) -> Result<Vec<Row>, StoreError> {
        self.rows(select.table, Statement::select(select, self.dialect())).await
    }

    /// How many rows there are.
    pub async fn count(&self, table: &'static Table) -> Result<u64, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.count(Statement::count(table)).await,
        }
    }

    /// The first row with this very value in a column: by id, by address, by path.
    pub async fn find(
        &self,
        table: &'static Table,
        column: &'static str,
        value: impl Into<Value>,
    ) -> Result<Option<Row>, StoreError> {
        let statement = Statement::find(table, column, value.into(), self.dialect());
        Ok(self.rows(table, statement).await?.pop())
    }

    /// Begins several reads and writes as one. Waits for whoever writes at the moment, for 5 seconds at most.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => Ok(Transaction::sqlite(sqlite.begin().await?, self.written.clone())),
        }
    }

    /// Makes every change in the given order, or none. When it returns `Ok` they survive a crash and a loss of power.
    pub async fn apply(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for change in changes {
            match change {
                Change::Insert(row) => transaction.insert(&row.to_row()).await?,
                Change::Update { row, expected_updated } => {
                    transaction.update(&row.to_row(), expected_updated.as_deref()).await?;
                }
                Change::Delete { id } => transaction.delete(&PROXIES, id).await?,
            }
        }
        transaction.commit().await
    }

    /// Notices of changes made from now on, by whomever.
    pub async fn changes(&self) -> Result<Changes, StoreError> {
        let source = match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.data_version().await?,
        };
        Ok(Changes::new(source, self.written.clone()))
    }

    async fn rows(&self, table: &'static Table, statement: Statement) -> Result<Vec<Row>, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.rows(table, statement).await,
        }
    }

    fn dialect(&self) -> Dialect {
        match &self.backend {
            Backend::Sqlite(_) => Dialect::Sqlite,
        }
    }
}
