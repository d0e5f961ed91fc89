//! Several reads and writes as one.

use crate::postgres::PostgresTransaction;
use crate::sqlite::SqliteTransaction;
use crate::statement::Statement;
use crate::{Row, Select, StoreError, Table, Value};
use gate_rules::{Condition, Dialect};
use tokio::sync::{OwnedSemaphorePermit, watch};

/// Several reads and writes as one: all of them are in the database, or none.
///
/// There is one at a time: [`Store::begin`](crate::Store::begin) waits for the one before it, of whatever process,
/// so that what is read in it stays true until it is committed. Dropping it undoes it.
#[derive(Debug)]
pub struct Transaction {
    backend: Backend,
    written: watch::Sender<()>,
    /// Given back when it is over.
    _turn: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Backend {
    Sqlite(SqliteTransaction),
    Postgres(PostgresTransaction),
}

impl Transaction {
    pub(crate) fn sqlite(
        transaction: SqliteTransaction,
        written: watch::Sender<()>,
        turn: OwnedSemaphorePermit,
    ) -> Self {
        Transaction { backend: Backend::Sqlite(transaction), written, _turn: turn }
    }

    pub(crate) fn postgres(
        transaction: PostgresTransaction,
        written: watch::Sender<()>,
        turn: OwnedSemaphorePermit,
    ) -> Self {
        Transaction { backend: Backend::Postgres(transaction), written, _turn: turn }
    }

    /// The rows asked for.
    pub async fn select(&mut self, select: &Select) -> Result<Vec<Row>, StoreError> {
        let statement = Statement::select(select, self.dialect());
        self.rows(select.table, statement).await
    }

    /// How many rows there are.
    pub async fn count(&mut self, table: &'static Table) -> Result<u64, StoreError> {
        self.count_where(table, &[]).await
    }

    /// How many rows there are for which all of the conditions hold.
    pub async fn count_where(
        &mut self,
        table: &'static Table,
        conditions: &[Condition],
    ) -> Result<u64, StoreError> {
        let statement = Statement::count(table, conditions);
        match &mut self.backend {
            Backend::Sqlite(sqlite) => sqlite.count(statement).await,
            Backend::Postgres(postgres) => postgres.count(statement).await,
        }
    }

    /// The first row with this very value in a column.
    pub async fn find(
        &mut self,
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

    /// Adds a row to its table.
    pub async fn insert(&mut self, row: &Row) -> Result<(), StoreError> {
        self.write(row.table(), row.id(), Statement::insert(row)).await.map(drop)
    }

    /// Puts the row in the place of the one with its id, which keeps its `created`. With `expected_updated` it has to
    /// be as the caller last saw it (contract D-13); without, whatever is there is overwritten.
    pub async fn update(&mut self, row: &Row, expected_updated: Option<&str>) -> Result<(), StoreError> {
        let statement = Statement::update(row, expected_updated);
        if self.write(row.table(), row.id(), statement).await? == 1 {
            return Ok(());
        }
        let id = row.id().to_owned();
        match self.find(row.table(), "id", id.as_str()).await? {
            Some(_) => Err(StoreError::Conflict { id }),
            None => Err(StoreError::NotFound { id }),
        }
    }

    /// Takes a row away.
    pub async fn delete(&mut self, table: &'static Table, id: &str) -> Result<(), StoreError> {
        match self.write(table, id, Statement::delete(table, id)).await? {
            0 => Err(StoreError::NotFound { id: id.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Makes it so. When it returns `Ok`, what was written survives a crash and a loss of power.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.backend {
            Backend::Sqlite(sqlite) => sqlite.commit().await?,
            Backend::Postgres(postgres) => postgres.commit().await?,
        }
        self.written.send_replace(());
        Ok(())
    }

    async fn rows(&mut self, table: &'static Table, statement: Statement) -> Result<Vec<Row>, StoreError> {
        match &mut self.backend {
            Backend::Sqlite(sqlite) => sqlite.rows(table, statement).await,
            Backend::Postgres(postgres) => postgres.rows(table, statement).await,
        }
    }

    async fn write(
        &mut self,
        table: &'static Table,
        id: &str,
        statement: Statement,
    ) -> Result<u64, StoreError> {
        match &mut self.backend {
            Backend::Sqlite(sqlite) => sqlite.write(table, id, statement).await,
            Backend::Postgres(postgres) => postgres.write(table, id, statement).await,
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
