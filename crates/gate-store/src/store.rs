//! The store: every read and write of records goes through it.

use crate::changes::Source;
use crate::directory::{self, Partial};
use crate::postgres::Postgres;
use crate::sqlite::{RECORDS, Sqlite};
use crate::statement::Statement;
use crate::{
    BackupError, Changes, LastSnapshot, Location, Logs, OpenError, PROXIES, ProxyRow, Row, Select,
    StoreError, Table, Transaction, Value, migrate,
};
use gate_rules::{Condition, Dialect};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time;

/// A caller who waited longer than this is better told so.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);

/// Where records live. Cheap to clone; all clones are the same store.
///
/// Cancel-safety: a read that is dropped has no effect. A write that is dropped happened whole or not at all.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Backend,
    logs: Logs,
    last_snapshot: Option<LastSnapshot>,
    /// Tells this process's [`Changes`] to look at once instead of at their next tick.
    written: watch::Sender<()>,
    /// The one permit is the writer's. Those of this process who want to write wait here and not each with a
    /// connection, of which readers, and whoever writes, could then find none.
    turn: Arc<Semaphore>,
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

/// The databases a store can live in. They pass the same conformance suite.
#[derive(Clone, Debug)]
enum Backend {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Opens a store; makes the data directory, the database and its tables where they are missing.
    ///
    /// A PostgreSQL database that is away is opened as well: until it is back, everything but the last snapshot is
    /// [`StoreError::Unavailable`].
    pub async fn open(location: impl Into<Location>) -> Result<Self, OpenError> {
        match location.into() {
            Location::Directory(directory) => {
                Ok(Self::in_sqlite(Sqlite::open(&directory, &RECORDS).await?, &directory))
            }
            Location::Postgres { url, directory } => {
                directory::create(&directory)?;
                Ok(Self::in_postgres(Postgres::open(&url).await?, &directory))
            }
        }
    }

    fn in_sqlite(sqlite: Sqlite, directory: &Path) -> Self {
        Self::new(Backend::Sqlite(sqlite), Logs::in_file(directory), None)
    }

    fn in_postgres(postgres: Postgres, directory: &Path) -> Self {
        let logs = Logs::in_postgres(postgres.for_logs());
        let last_snapshot = Some(LastSnapshot::in_directory(directory));
        Self::new(Backend::Postgres(postgres), logs, last_snapshot)
    }

    fn new(backend: Backend, logs: Logs, last_snapshot: Option<LastSnapshot>) -> Self {
        let (written, turn) = (watch::Sender::new(()), Arc::new(Semaphore::new(1)));
        Store { backend, logs, last_snapshot, written, turn }
    }

    /// Finishes what runs and closes the database. A store that is dropped instead loses nothing,
    /// but leaves the work of tidying its write-ahead log to whoever opens it next.
    pub async fn close(self) {
        self.logs.close().await;
        match self.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(postgres) => postgres.close().await,
        }
    }

    /// The logs, which live beside the records and never in their way.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Where the proxies are kept for a start while the database is away; `None` for a database that is in the data
    /// directory itself.
    pub fn last_snapshot(&self) -> Option<&LastSnapshot> {
        self.last_snapshot.as_ref()
    }

    /// Every proxy, in the order they were made: what the compiler reads, 10,000 at one go, and keeps.
    pub async fn proxies(&self) -> Result<Vec<Arc<ProxyRow>>, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.proxies().await,
            Backend::Postgres(_) => {
                let rows = self.select(&Select::all(&PROXIES)).await?;
                Ok(rows.iter().map(|row| Arc::new(ProxyRow::from_row(row))).collect())
            }
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
        self.count_where(table, &[]).await
    }

    /// How many rows there are for which all of the conditions hold.
    pub async fn count_where(
        &self,
        table: &'static Table,
        conditions: &[Condition],
    ) -> Result<u64, StoreError> {
        let statement = Statement::count(table, conditions);
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.count(statement).await,
            Backend::Postgres(postgres) => postgres.count(statement).await,
        }
    }

    /// The first row with this very value in a column: by id, by address, by path.
    pub async fn find(
        &self,
        table: &'static Table,
        column: &'static str,
        value: impl Into<Value>,
    ) -> Result<Option<Row>, StoreError> {
        let value = value.into();
        if !value.is_storable() {
            return Ok(None);
        }
        let statement = Statement::find(table, column, value, self.dialect());
        Ok(self.rows(table, statement).await?.pop())
    }

    /// Begins several reads and writes as one. Waits for whoever writes at the moment, for 5 seconds at most in this
    /// process, and again for another one.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let turn = time::timeout(TURN_TIMEOUT, Arc::clone(&self.turn).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(StoreError::Busy) };
        let written = self.written.clone();
        match &self.backend {
            Backend::Sqlite(sqlite) => Ok(Transaction::sqlite(sqlite.begin().await?, written, turn)),
            Backend::Postgres(postgres) => Ok(Transaction::postgres(postgres.begin().await?, written, turn)),
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

    /// Writes a copy of every record, as they are at one moment, to a new file: a database that opens like any other,
    /// once it is `data.db` in a directory. Whoever writes in the meantime does not have to wait, unless the records
    /// are in PostgreSQL. Logs are not in it. Of several that make one of the same name at the same time one does.
    ///
    /// Cancel-safe: nothing is left of a copy that is dropped half-way.
    pub async fn backup(&self, to: &Path) -> Result<(), BackupError> {
        if to.exists() {
            return Err(BackupError::Exists { path: to.to_owned() });
        }
        let not_written = |cause: io::Error| match cause.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists { path: to.to_owned() },
            _ => BackupError::NotWritten { path: to.to_owned(), cause },
        };
        let partial = Partial::beside(to).map_err(not_written)?;
        self.write_backup(partial.path()).await?;
        partial.give_name(to).map_err(not_written)
    }

    /// Fills an empty file.
    async fn write_backup(&self, path: &Path) -> Result<(), BackupError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.copy_to(path).await?,
            Backend::Postgres(_) => {
                let copy = Store::in_sqlite(Sqlite::open_file(path.to_owned(), &RECORDS, None).await?, path);
                let copied = migrate(self, &copy).await;
                copy.close().await;
                copied?;
            }
        }
        let flushed = File::open(path).and_then(|file| file.sync_all());
        flushed.map_err(|cause| BackupError::NotWritten { path: path.to_owned(), cause })
    }

    /// Notices of changes made from now on, by whomever. While a PostgreSQL database is away they can be asked for as
    /// well; its return is the first of them.
    pub async fn changes(&self) -> Result<Changes, StoreError> {
        let source = match &self.backend {
            Backend::Sqlite(sqlite) => Source::Sqlite(sqlite.watcher().await?),
            Backend::Postgres(postgres) => Source::Postgres(postgres.revision().await),
        };
        Ok(Changes::new(source, self.written.clone()))
    }

    async fn rows(&self, table: &'static Table, statement: Statement) -> Result<Vec<Row>, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.rows(table, statement).await,
            Backend::Postgres(postgres) => postgres.rows(table, statement).await,
        }
    }

    /// The SQL that conditions have to be made for.
    pub fn dialect(&self) -> Dialect {
        match &self.backend {
            Backend::Sqlite(_) => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::USERS;

    fn assert_send(_: impl Send) {}

    /// Those who answer requests need futures that may move between threads.
    #[expect(dead_code, reason = "is compiled, not run")]
    async fn futures_can_be_sent(store: Store, row: Row) {
        assert_send(store.proxies());
        assert_send(store.find(&USERS, "id", "x"));
        assert_send(store.begin());
        assert_send(store.apply(&[]));
        assert_send(store.backup(Path::new("x")));
        assert_send(store.logs().append(&[]));
        assert_send(store.changes());
        let mut transaction = store.begin().await.unwrap();
        assert_send(transaction.insert(&row));
        assert_send(transaction.commit());
    }
}
