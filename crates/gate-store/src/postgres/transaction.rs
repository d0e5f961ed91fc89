//! A transaction of a PostgreSQL database.

use super::connect::{answered, in_time};
use super::database::Postgres;
use super::failure::write_error;
use super::rows;
use crate::statement::Statement;
use crate::{Row, StoreError, Table};
use sqlx::Postgres as Database;

/// Waits until nobody else writes, and holds that until the end of the transaction. The number is the first eight
/// letters of the program's name.
pub(super) const WRITE_LOCK: &str = "SELECT pg_advisory_xact_lock(x'706f636b65746761'::bigint)";

/// Each statement is to see what was committed when it starts: the lock is waited for, and what was written in the
/// meantime has to be seen.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// Counts the revision up and gives notice of it; both take effect with the commit.
const ANNOUNCE: &str = r#"
    WITH "announced" AS (UPDATE "_pocketgate" SET "revision" = "revision" + 1 RETURNING "revision")
    SELECT pg_notify('pocketgate', "revision"::text) FROM "announced"
"#;

/// A transaction that holds the lock of the writers, as SQLite's holds the file's.
#[derive(Debug)]
pub(crate) struct PostgresTransaction {
    transaction: sqlx::Transaction<'static, Database>,
    /// Whether there is anything to announce.
    has_written: bool,
}

impl Postgres {
    pub(crate) async fn begin(&self) -> Result<PostgresTransaction, StoreError> {
        self.ready().await?;
        let transaction = answered(async {
            let mut transaction = self.pool.begin_with(BEGIN).await?;
            sqlx::query(WRITE_LOCK).execute(&mut *transaction).await?;
            Ok(transaction)
        });
        Ok(PostgresTransaction { transaction: transaction.await?, has_written: false })
    }
}

impl PostgresTransaction {
    pub(crate) async fn rows(
        &mut self,
        table: &'static Table,
        statement: Statement,
    ) -> Result<Vec<Row>, StoreError> {
        answered(rows::rows(&mut self.transaction, table, statement)).await
    }

    pub(crate) async fn count(&mut self, statement: Statement) -> Result<u64, StoreError> {
        answered(rows::count(&mut self.transaction, statement)).await
    }

    pub(crate) async fn write(
        &mut self,
        table: &'static Table,
        id: &str,
        statement: Statement,
    ) -> Result<u64, StoreError> {
        self.has_written = true;
        let written = in_time(rows::write(&mut self.transaction, statement)).await;
        written.map_err(|error| write_error(table, id, error))
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        answered(async {
            if self.has_written {
                sqlx::query(ANNOUNCE).execute(&mut *self.transaction).await?;
            }
            self.transaction.commit().await
        })
        .await
    }
}
