//! Records move to another kind of database, whole or not at all.

use crate::postgres;
use crate::proxies::{full, insert, plain};
use crate::rows::{distinct, tables, write};
use crate::sqlite;
use gate_store::{MigrateError, PROXIES, Select, Store, USERS, Value, migrate};

async fn fill(store: &Store) {
    for table in tables() {
        let rows: Vec<_> = [3, 1, 2].map(|number| distinct(table, number)).into();
        write(store, &rows).await.unwrap();
    }
    let odd = distinct(&PROXIES, 9)
        .with("timeout", 0.1 + 0.2)
        .with("name", "ü\n\"'\\ 你好")
        .with("headers", Value::Null);
    write(store, &[odd]).await.unwrap();
}

async fn check(from: &Store, to: &Store) {
    fill(from).await;
    let migrated = migrate(from, to).await.unwrap();
    assert_eq!(migrated.iter().map(|table| table.rows).collect::<Vec<_>>(), [4, 3, 3, 3, 3]);
    assert!(migrated.iter().all(|table| table.sha256.len() == 64));
    for table in tables() {
        let (here, there) = (from.select(&Select::all(table)).await, to.select(&Select::all(table)).await);
        assert!(here.unwrap() == there.unwrap(), "{}", table.name);
    }
}

#[tokio::test]
async fn records_move_from_sqlite_to_postgresql() {
    let ((from, _here), (to, _there)) = (sqlite::empty_store().await, postgres::empty_store().await);
    check(&from, &to).await;
}

#[tokio::test]
async fn records_move_from_postgresql_to_sqlite() {
    let ((from, _here), (to, _there)) = (postgres::empty_store().await, sqlite::empty_store().await);
    check(&from, &to).await;
}

#[tokio::test]
async fn two_thousand_proxies_move() {
    let ((from, _here), (to, _there)) = (sqlite::empty_store().await, postgres::empty_store().await);
    let rows: Vec<_> = (0..2000).map(|number| full(number).to_row()).collect();
    write(&from, &rows).await.unwrap();
    let migrated = migrate(&from, &to).await.unwrap();
    assert_eq!((migrated[0].name, migrated[0].rows), ("_proxies", 2000));
    assert!(to.proxies().await.unwrap() == from.proxies().await.unwrap());
}

#[tokio::test]
async fn a_target_with_anything_in_it_is_refused() {
    let ((from, _here), (to, _there)) = (sqlite::empty_store().await, postgres::empty_store().await);
    fill(&from).await;
    write(&to, &[distinct(&USERS, 1)]).await.unwrap();
    let refused = migrate(&from, &to).await;
    assert!(matches!(refused, Err(MigrateError::NotEmpty { table: "users" })), "{refused:?}");
    assert_eq!(to.count(&PROXIES).await.unwrap(), 0);
    assert_eq!(to.count(&USERS).await.unwrap(), 1);
}

/// PostgreSQL keeps no NUL in a text; SQLite does.
#[tokio::test]
async fn what_the_target_cannot_hold_is_told_and_nothing_is_copied() {
    let ((from, _here), (to, _there)) = (sqlite::empty_store().await, postgres::empty_store().await);
    insert(&from, &plain(1)).await.unwrap();
    write(&from, &[distinct(&USERS, 1).with("name", "a\0b")]).await.unwrap();
    let refused = migrate(&from, &to).await;
    let named = format!("the record {} of users cannot be written to the target", distinct(&USERS, 1).id());
    assert!(refused.unwrap_err().to_string().starts_with(&named));
    assert_eq!(to.count(&PROXIES).await.unwrap(), 0);
}
