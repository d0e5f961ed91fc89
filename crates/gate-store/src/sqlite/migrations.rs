//! The schema, as a list of numbered steps.

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

/// One step from a schema version to the next.
struct Migration {
    /// The schema version after it.
    version: i64,
    /// The table it makes or changes. A table that somebody dropped is made anew from its own steps (019-FR-003).
    table: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        table: "_proxies",
        sql: include_str!("../../migrations/sqlite/0001_proxies.sql"),
    },
    Migration {
        version: 2,
        table: "_proxies",
        sql: include_str!("../../migrations/sqlite/0002_proxies_additions.sql"),
    },
];

/// The newest schema version this program knows.
pub(super) const KNOWN: i64 = 2;

/// The schema version of a database; 0 for an empty one and for one of the fork.
pub(super) async fn version(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await
}

/// Brings the schema up to date in one transaction. Two processes that start together do it one after the other,
/// and the second finds nothing left to do.
///
/// sqlx's own migrator keeps a table of what it ran; the number in the database's header is used instead because
/// it can be read before anything is written, and because a missing table has to be noticed.
pub(super) async fn run(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let reached = version(&mut transaction).await?;
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&mut *transaction)
        .await?;
    for migration in MIGRATIONS {
        let missing = !tables.iter().any(|table| table == migration.table);
        if migration.version > reached || missing {
            sqlx::raw_sql(migration.sql).execute(&mut *transaction).await?;
        }
    }
    if reached < KNOWN {
        // A pragma takes no bound values; the number is a constant of this program.
        sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA user_version = {KNOWN}")))
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_without_gaps() {
        let numbers: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert_eq!(numbers, (1..=KNOWN).collect::<Vec<_>>());
    }
}
