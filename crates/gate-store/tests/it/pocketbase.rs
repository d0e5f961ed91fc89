//! The database of a PocketBase, which is read and never written.

use gate_store::{OpenError, PocketBaseDatabase, StoreError};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, SqliteConnection};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

const SCHEMA: &str = r#"
    CREATE TABLE _collections (id TEXT PRIMARY KEY, name TEXT, type TEXT, fields JSON, options JSON);
    CREATE TABLE "odd ""name" (id TEXT PRIMARY KEY, tokenKey TEXT, password TEXT, email TEXT, verified BOOLEAN,
        level NUMERIC, roles JSON, role TEXT, data JSON, missing TEXT);
    INSERT INTO "odd ""name" VALUES ('a', 'key-a', 'hash', 'a@example.com', TRUE, 7, '["x","y"]', 'x', '{"b":[1]}', NULL);
    INSERT INTO _collections VALUES ('c', 'odd "name', 'auth', '[
        {"name":"id","type":"text"}, {"name":"tokenKey","type":"text"}, {"name":"password","type":"password"},
        {"name":"email","type":"email"}, {"name":"verified","type":"bool"}, {"name":"level","type":"number"},
        {"name":"roles","type":"select","maxSelect":2}, {"name":"role","type":"select","maxSelect":1},
        {"name":"data","type":"json"}, {"name":"missing","type":"text"}]', '{"authToken":{"secret":"of-c","duration":5}}');
    INSERT INTO _collections VALUES ('base', 'base', 'base', '[]', '{}');
"#;

/// A data directory of a PocketBase, and a connection of its own to the database.
async fn pocketbase() -> (TempDir, SqliteConnection) {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = connect(&directory).await;
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await.unwrap();
    (directory, connection)
}

async fn connect(directory: &TempDir) -> SqliteConnection {
    let path = directory.path().join("data.db");
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    options.journal_mode(SqliteJournalMode::Wal).connect().await.unwrap()
}

#[tokio::test]
async fn a_record_is_read_as_the_api_shows_it_with_what_its_tokens_are_signed_with() {
    let (directory, _connection) = pocketbase().await;
    let database = PocketBaseDatabase::open(directory.path()).await.unwrap();
    let mut reader = database.reader().await.unwrap();
    let account = reader.account("c", "a").await.unwrap().unwrap();
    assert_eq!(
        (account.collection.as_str(), account.secret.as_str(), account.token_key.as_str()),
        ("odd \"name", "of-c", "key-a")
    );
    let expected = json!({
        "id": "a", "email": "a@example.com", "verified": true, "level": 7.0, "roles": ["x", "y"], "role": "x",
        "data": {"b": [1]}, "missing": "",
    });
    assert_eq!(serde_json::Value::Object(account.values.clone()), expected);
    let shown = format!("{account:?}");
    assert!(!shown.contains("of-c") && !shown.contains("key-a"), "{shown}");
    for (collection, id) in [("c", "b"), ("base", "a"), ("odd \"name", "a"), ("none", "a"), ("", "")] {
        assert!(reader.account(collection, id).await.unwrap().is_none(), "{collection} {id}");
    }
}

#[tokio::test]
async fn changes_are_noticed_and_so_is_another_database_in_its_place() {
    let (directory, mut connection) = pocketbase().await;
    let database = PocketBaseDatabase::open(&directory.path().join("data.db")).await.unwrap();
    let mut changes = database.changes();
    let is_noticed = async |changes: &mut gate_store::PocketBaseChanges, patience| {
        timeout(patience, changes.changed()).await.is_ok()
    };
    let (soon, a_while) = (Duration::from_secs(5), Duration::from_millis(250));
    assert!(is_noticed(&mut changes, soon).await, "the first look is one");
    assert!(!is_noticed(&mut changes, a_while).await);
    sqlx::query("UPDATE _collections SET name = 'other' WHERE id = 'base'")
        .execute(&mut connection)
        .await
        .unwrap();
    assert!(is_noticed(&mut changes, soon).await);
    let path = directory.path().join("data.db");
    drop(connection);
    std::fs::rename(&path, path.with_extension("away")).unwrap();
    assert!(!is_noticed(&mut changes, a_while).await);
    assert!(matches!(database.reader().await, Err(StoreError::Unavailable(_))));
    let mut connection = connect(&directory).await;
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await.unwrap();
    assert!(is_noticed(&mut changes, soon).await);
    assert!(database.reader().await.unwrap().account("c", "a").await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_not_pocketbases_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.db");
    assert!(matches!(PocketBaseDatabase::open(&path).await, Err(OpenError::NotReadable { .. })));
    assert!(!path.exists());
    std::fs::write(&path, "not a database at all").unwrap();
    assert!(matches!(PocketBaseDatabase::open(&path).await, Err(OpenError::NotADatabase { .. })));
    std::fs::write(&path, "").unwrap();
    let refused = PocketBaseDatabase::open(directory.path()).await.unwrap_err();
    assert!(refused.to_string().contains("is not the database of a PocketBase of version 0.23"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), b"");
}
