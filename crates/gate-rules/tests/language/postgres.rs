//! The table of cases in PostgreSQL, in a server whose own order of texts is not that of bytes.

use crate::cases::{self, Differences};
use crate::conditions;
use crate::generated::Chance;
use crate::generator::{self, Asked, Request};
use crate::statement;
use crate::world::{Caller, RECORDS, Record, SCOPE, World};
use gate_rules::{Context, Dialect, Parameter, Rule, sort_keys};
use gate_testkit::PostgreSql;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};

/// Rules made by chance.
const RULES: usize = 1000;

/// Records in a database of their own, whose columns are those that the store makes.
async fn open(records: &[Record]) -> PgPool {
    let url = PostgreSql::shared().database();
    let pool = PgPoolOptions::new().max_connections(1).connect(&url).await.expect("a database");
    let columns = r#"id TEXT, t TEXT COLLATE "C", u TEXT COLLATE "C", n DOUBLE PRECISION, b BOOLEAN,
        j TEXT COLLATE "C", m TEXT COLLATE "C", rowid BIGINT GENERATED ALWAYS AS IDENTITY"#;
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE TABLE records ({columns})")))
        .execute(&pool)
        .await
        .expect("a table");
    for record in records {
        let insert = "INSERT INTO records VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let insert = sqlx::query(insert).bind(record.id.to_string()).bind(record.t).bind(record.u);
        let insert = insert.bind(record.n).bind(record.b).bind(record.j).bind(record.m);
        insert.execute(&pool).await.expect("a record");
    }
    pool
}

/// The ids of the records a rule holds for, or what the database says about it.
async fn matches(pool: &PgPool, rule: &Rule, context: &dyn Context) -> Result<String, String> {
    let condition = rule.to_sql(Dialect::Postgres, context);
    let sql = statement::select(&condition.sql, "$");
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
async fn postgres_answers_every_case() {
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
async fn postgres_takes_the_largest_rules() {
    let pool = open(&RECORDS).await;
    for rule in conditions::largest() {
        let found = matches(&pool, &rule, &World::new(Caller::User, RECORDS[0])).await;
        assert!(found.is_ok(), "{found:?}");
    }
}

#[tokio::test]
async fn postgres_sorts_by_every_key() {
    let pool = open(&RECORDS).await;
    for (keys, expected) in statement::ORDERS {
        let keys = sort_keys(keys, &SCOPE).unwrap();
        let sql = statement::select_in_order(&keys, Dialect::Postgres);
        let ids: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&pool).await.unwrap();
        assert_eq!(ids.concat(), expected, "{keys:?}");
    }
    let random = statement::select_in_order(&sort_keys("@random", &SCOPE).unwrap(), Dialect::Postgres);
    let ids: Vec<String> = sqlx::query_scalar(AssertSqlSafe(random)).fetch_all(&pool).await.unwrap();
    assert_eq!(ids.len(), RECORDS.len());
}

#[tokio::test]
async fn rules_made_by_chance_have_one_answer_in_postgres() {
    let mut chance = Chance::new();
    let records: Vec<_> = ('a'..='z').map(|id| generator::record(&mut chance, id)).collect();
    let pool = open(&records).await;
    for _ in 0..RULES {
        let request = Request::make(&mut chance);
        let text = generator::rule(&mut chance);
        let rule = Rule::compile(&text, &SCOPE).unwrap();
        let found = matches(&pool, &rule, &Asked { request: &request, record: &records[0] }).await;
        let found = found.unwrap_or_else(|error| panic!("{text}: {error}"));
        for record in &records {
            let holds = rule.evaluate(&Asked { request: &request, record });
            assert_eq!(found.contains(record.id), holds, "{text}\n{request:?}\n{record:?}");
        }
    }
}
