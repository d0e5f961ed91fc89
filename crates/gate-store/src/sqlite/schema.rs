//! Bringing a database's tables up to date.

use crate::schema::{add_column, create_indexes, create_table};
use crate::{Column, Table, schema};
use gate_rules::Dialect;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

/// The schema version of a database; 0 for an empty one and for one of PocketBase.
pub(super) async fn version(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await
}

/// Makes what is missing, in one transaction. Two processes that start together do it one after the other, and the
/// second finds nothing left to do.
pub(super) async fn update(connection: &mut SqliteConnection, tables: &[&Table]) -> sqlx::Result<()> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for table in tables {
        execute(&mut transaction, create_table(table, Dialect::Sqlite)).await?;
        for column in missing_columns(&mut transaction, table).await? {
            execute(&mut transaction, add_column(table, column, Dialect::Sqlite)).await?;
        }
        for index in create_indexes(table) {
            execute(&mut transaction, index).await?;
        }
    }
    if version(&mut transaction).await? < schema::VERSION {
        execute(&mut transaction, format!("PRAGMA user_version = {}", schema::VERSION)).await?;
    }
    transaction.commit().await
}

async fn missing_columns(
    connection: &mut SqliteConnection,
    table: &Table,
) -> sqlx::Result<impl Iterator<Item = &'static Column> + use<>> {
    let found: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
        .bind(table.name)
        .fetch_all(connection)
        .await?;
    Ok(table.columns.iter().filter(move |column| !found.iter().any(|name| name == column.name)))
}

/// Schema statements take no bound values; they are made from constants of this program.
async fn execute(connection: &mut SqliteConnection, sql: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
}
