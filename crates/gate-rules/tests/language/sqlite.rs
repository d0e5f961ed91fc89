//! The table of cases in SQLite.

use crate::cases::{self, Differences};
use crate::conditions;
use crate::sqlite_records::{matches, open};
use crate::statement;
use crate::world::{Caller, RECORDS, SCOPE, World};
use gate_rules::{Dialect, Rule, sort_keys};
use sqlx::AssertSqlSafe;

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
async fn sqlite_takes_the_largest_rules() {
    let pool = open(&RECORDS).await;
    for rule in conditions::largest() {
        let found = matches(&pool, &rule, &World::new(Caller::User, RECORDS[0])).await;
        assert!(found.is_ok(), "{found:?}");
    }
}

#[tokio::test]
async fn sqlite_sorts_by_every_key() {
    let pool = open(&RECORDS).await;
    for (keys, expected) in statement::ORDERS {
        let keys = sort_keys(keys, &SCOPE).unwrap();
        let sql = statement::select_in_order(&keys, Dialect::Sqlite);
        let ids: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&pool).await.unwrap();
        assert_eq!(ids.concat(), expected, "{keys:?}");
    }
    let random = statement::select_in_order(&sort_keys("@random", &SCOPE).unwrap(), Dialect::Sqlite);
    let ids: Vec<String> = sqlx::query_scalar(AssertSqlSafe(random)).fetch_all(&pool).await.unwrap();
    assert_eq!(ids.len(), RECORDS.len());
}
