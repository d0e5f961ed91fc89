//! Bringing a database's tables up to date.

use super::transaction::WRITE_LOCK;
use crate::schema::{LOG_TABLES, RECORD_TABLES, VERSION, add_column, create_indexes, create_table};
use crate::{Column, Table};
use gate_rules::Dialect;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The one row that says how new the tables are, and how often something was written.
const STATE: &str = r#"
    CREATE TABLE IF NOT EXISTS "_pocketgate" (
        "only" BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK ("only"),
        "version" BIGINT NOT NULL,
        "revision" BIGINT NOT NULL
    );
    INSERT INTO "_pocketgate" ("version", "revision") VALUES (0, 0) ON CONFLICT DO NOTHING;
"#;

/// Makes what is missing, in one transaction, and returns the version of the schema that is there then. One that is
/// newer than this program is left as it is.
///
/// Takes the lock of the writers: two processes that start together do it one after the other.
pub(super) async fn update(connection: &mut PgConnection) -> sqlx::Result<i64> {
    let mut transaction = connection.begin().await?;
    sqlx::query(WRITE_LOCK).execute(&mut *transaction).await?;
    sqlx::raw_sql(STATE).execute(&mut *transaction).await?;
    let found: i64 =
        sqlx::query_scalar(r#"SELECT "version" FROM "_pocketgate""#).fetch_one(&mut *transaction).await?;
    if found > VERSION {
        return Ok(found);
    }
    for table in RECORD_TABLES.iter().chain(LOG_TABLES) {
        make(&mut transaction, table).await?;
    }
    sqlx::query(r#"UPDATE "_pocketgate" SET "version" = $1 WHERE "version" <> $1"#)
        .bind(VERSION)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(VERSION)
}

async fn make(connection: &mut PgConnection, table: &Table) -> sqlx::Result<()> {
    execute(connection, create_table(table, Dialect::Postgres)).await?;
    for column in missing_columns(connection, table).await? {
        execute(connection, add_column(table, column, Dialect::Postgres)).await?;
    }
    for index in create_indexes(table) {
        execute(connection, index).await?;
    }
    Ok(())
}

async fn missing_columns(
    connection: &mut PgConnection,
    table: &Table,
) -> sqlx::Result<impl Iterator<Item = &'static Column> + use<>> {
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
    )
    .bind(format!(r#""{}""#, table.name))
    .fetch_all(connection)
    .await?;
    Ok(table.columns.iter().filter(move |column| !found.iter().any(|name| name == column.name)))
}

/// Schema statements take no bound values; they are made from constants of this program.
async fn execute(connection: &mut PgConnection, sql: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
}
