//! Records in SQLite, and which of them a rule holds for.

use crate::statement;
use crate::world::Record;
use gate_rules::{Context, Dialect, Parameter, Rule};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, SqlitePool};

/// Records in a database in memory.
pub(crate) async fn open(records: &[Record]) -> SqlitePool {
    let pool = create().await;
    replace(&pool, records).await;
    pool
}

/// A database in memory with a table for records.
pub(crate) async fn create() -> SqlitePool {
    let options = SqliteConnectOptions::new().in_memory(true);
    // One connection that is never closed: each would have a memory of its own.
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.connect_with(options).await.expect("a database in memory");
    let columns = "id TEXT, t TEXT, u TEXT, n NUMERIC, b BOOLEAN, j JSON, m JSON";
    let table = AssertSqlSafe(format!("CREATE TABLE records ({columns})"));
    sqlx::raw_sql(table).execute(&pool).await.expect("a table");
    pool
}

/// Puts these records into the table instead of those that are there.
pub(crate) async fn replace(pool: &SqlitePool, records: &[Record]) {
    sqlx::query("DELETE FROM records").execute(pool).await.expect("an empty table");
    for record in records {
        let insert = "INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let insert = sqlx::query(insert).bind(record.id.to_string()).bind(record.t).bind(record.u);
        let insert = insert.bind(record.n).bind(record.b).bind(record.j).bind(record.m);
        insert.execute(pool).await.expect("a record");
    }
}

/// The ids of the records a rule holds for, or what the database says about it.
pub(crate) async fn matches(pool: &SqlitePool, rule: &Rule, context: &dyn Context) -> Result<String, String> {
    let condition = rule.to_sql(Dialect::Sqlite, context);
    let sql = statement::select(&condition.sql, "?");
    let mut query = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql.clone())).persistent(false);
    for parameter in condition.parameters {
        query = match parameter {
            Parameter::Number(number) => query.bind(number),
            Parameter::Text(text) => query.bind(text),
        };
    }
    query.fetch_all(pool).await.map(|ids| ids.concat()).map_err(|error| format!("{error}: {sql}"))
}
