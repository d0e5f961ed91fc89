//! The table of cases in SQLite.

use crate::cases;
use crate::database::{self, Differences};
use crate::world::{RECORDS, Record, SCOPE, World};
use gate_rules::{Context, Dialect, Parameter, Rule, sort_keys};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, SqlitePool};

/// Records in a database in memory.
pub(crate) async fn open(records: &[Record]) -> SqlitePool {
    let options = SqliteConnectOptions::new().in_memory(true);
    // One connection that is never closed: each would have a memory of its own.
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.connect_with(options).await.expect("a database in memory");
    let columns = "id TEXT, t TEXT, u TEXT, n NUMERIC, b BOOLEAN, j JSON, m JSON";
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE TABLE records ({columns})")))
        .execute(&pool)
        .await
        .expect("a table");
    for record in records {
        let insert = "INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let insert = sqlx::query(insert).bind(record.id.to_string()).bind(record.t).bind(record.u);
        let insert = insert.bind(record.n).bind(record.b).bind(record.j).bind(record.m);
        insert.execute(&pool).await.expect("a record");
    }
    pool
}

/// The ids of the records a rule holds for, or what the database says about it.
pub(crate) async fn matches(pool: &SqlitePool, rule: &Rule, context: &dyn Context) -> Result<String, String> {
    let condition = rule.to_sql(Dialect::Sqlite, context);
    let sql = database::select(&condition.sql, "?");
    let mut query = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql.clone())).persistent(false);
    for parameter in condition.parameters {
        query = match parameter {
            Parameter::Number(number) => query.bind(number),
            Parameter::Text(text) => query.bind(text),
        };
    }
    query.fetch_all(pool).await.map(|ids| ids.concat()).map_err(|error| format!("{error}: {sql}"))
}

#[tokio::test]
async fn sqlite_answers_every_case() {
    let pool = open(&RECORDS).await;
    let mut differences = Differences::default();
    for case in cases::all() {
        let rule = Rule::compile(case.rule, &SCOPE).unwrap();
        let found = matches(&pool, &rule, &World::new(case.caller, RECORDS[0])).await;
        differences.compare(case, &found);
    }
    differences.check();
}

#[tokio::test]
async fn sqlite_sorts_by_every_key() {
    let pool = open(&RECORDS).await;
    for (keys, expected) in database::ORDERS {
        let keys = sort_keys(keys, &SCOPE).unwrap();
        let sql = database::select_in_order(&keys, Dialect::Sqlite);
        let ids: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&pool).await.unwrap();
        assert_eq!(ids.concat(), expected, "{keys:?}");
    }
    let random = database::select_in_order(&sort_keys("@random", &SCOPE).unwrap(), Dialect::Sqlite);
    let ids: Vec<String> = sqlx::query_scalar(AssertSqlSafe(random)).fetch_all(&pool).await.unwrap();
    assert_eq!(ids.len(), RECORDS.len());
}
