//! A transaction of an SQLite database.

use super::database::{OpenFile, Sqlite};
use super::failure::{store_error, write_error};
use super::rows;
use crate::statement::Statement;
use crate::{Row, StoreError, Table};
use sqlx::Sqlite as Database;
use std::sync::Arc;

/// A transaction that holds the database's one write lock.
#[derive(Debug)]
pub(crate) struct SqliteTransaction {
    transaction: sqlx::Transaction<'static, Database>,
    file: Arc<OpenFile>,
}

impl Sqlite {
    pub(crate) async fn begin(&self) -> Result<SqliteTransaction, StoreError> {
        self.file.ensure_in_place()?;
        // Takes the write lock at once: a transaction that starts by reading can be refused it later.
        let transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        Ok(SqliteTransaction { transaction, file: Arc::clone(&self.file) })
    }
}

impl SqliteTransaction {
    pub(crate) async fn rows(
        &mut self,
        table: &'static Table,
        statement: Statement,
    ) -> Result<Vec<Row>, StoreError> {
        rows::rows(&mut self.transaction, table, statement).await.map_err(store_error)
    }

    pub(crate) async fn count(&mut self, statement: Statement) -> Result<u64, StoreError> {
        rows::count(&mut self.transaction, statement).await.map_err(store_error)
    }

    pub(crate) async fn write(
        &mut self,
        table: &'static Table,
        id: &str,
        statement: Statement,
    ) -> Result<u64, StoreError> {
        let written = rows::write(&mut self.transaction, statement).await;
        written.map_err(|error| write_error(table, id, error))
    }

    pub(super) async fn run(&mut self, statement: Statement) -> Result<u64, StoreError> {
        rows::write(&mut self.transaction, statement).await.map_err(store_error)
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.file.ensure_in_place()?;
        self.transaction.commit().await.map_err(store_error)
    }
}
