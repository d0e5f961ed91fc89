//! The conformance suite on PostgreSQL, and what only a database on another machine does.

use crate::proxies::{full, insert, plain};
use crate::rows::{distinct, write};
use gate_store::{Kept, Location, OpenError, PROXIES, SECRETS, Select, Store, StoreError, USERS};
use gate_testkit::{PATIENCE, PostgreSql, within};
use sqlx::{Connection, PgConnection};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::timeout;

/// An empty store in a database of its own, with a data directory that goes away with the second value.
pub(crate) async fn empty_store() -> (Store, TempDir) {
    open(&PostgreSql::shared().database()).await
}

async fn open(url: &str) -> (Store, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(location(url, &directory)).await.unwrap();
    (store, directory)
}

fn location(url: &str, directory: &TempDir) -> Location {
    Location::Postgres { url: url.to_owned(), directory: directory.path().to_owned() }
}

crate::conformance::conformance!(empty_store);

#[tokio::test]
async fn a_change_by_another_gateway_is_noticed_at_once() {
    let url = PostgreSql::shared().database();
    let (here, _directory) = open(&url).await;
    let (elsewhere, _other) = open(&url).await;
    let mut changes = here.changes().await.unwrap();
    let mut delays = Vec::new();
    for number in 0..20 {
        insert(&elsewhere, &plain(number)).await.unwrap();
        let written = Instant::now();
        within(PATIENCE, changes.changed()).await;
        delays.push(written.elapsed());
    }
    delays.sort_unstable();
    assert!(delays[18] < Duration::from_millis(100), "{delays:?}");
}

/// A notice is no promise: PostgreSQL drops them with the connection.
#[tokio::test]
async fn a_change_whose_notice_was_lost_is_noticed_within_five_seconds() {
    let url = PostgreSql::shared().database();
    let (store, _directory) = open(&url).await;
    let mut changes = store.changes().await.unwrap();
    let mut other = PgConnection::connect(&url).await.unwrap();
    sqlx::query(r#"UPDATE "_pocketgate" SET "revision" = "revision" + 1"#).execute(&mut other).await.unwrap();
    let noticed = timeout(Duration::from_secs(6), changes.changed()).await;
    assert!(noticed.is_ok());
}

#[tokio::test]
async fn stores_opened_at_the_same_moment_agree_on_the_schema() {
    let url = PostgreSql::shared().database();
    let opening = (0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { open(&url).await.0.count(&PROXIES).await.unwrap() })
    });
    for opened in opening.collect::<Vec<_>>() {
        assert_eq!(opened.await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_column_that_is_missing_is_added() {
    let url = PostgreSql::shared().database();
    let (store, _directory) = open(&url).await;
    write(&store, &[distinct(&USERS, 1)]).await.unwrap();
    let mut other = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(r#"ALTER TABLE users DROP COLUMN "name"; DROP TABLE "_secrets""#)
        .execute(&mut other)
        .await
        .unwrap();
    let (store, _directory) = open(&url).await;
    let user = store.find(&USERS, "id", distinct(&USERS, 1).id()).await.unwrap().unwrap();
    assert_eq!((user.text("name"), user.text("email")), ("", "email 1"));
}

#[tokio::test]
async fn what_cannot_be_opened_is_refused_in_one_sentence() {
    let url = PostgreSql::shared().database();
    let (store, directory) = open(&url).await;
    let refused = async |url: &str| Store::open(location(url, &directory)).await.unwrap_err();
    assert!(matches!(refused("postgres://[").await, OpenError::Address { .. }));
    let elsewhere = url.replacen("/test", "/no-such-", 1);
    assert!(matches!(refused(&elsewhere).await, OpenError::Failed { .. }));

    let mut other = PgConnection::connect(&url).await.unwrap();
    sqlx::query(r#"UPDATE "_pocketgate" SET "version" = 99"#).execute(&mut other).await.unwrap();
    let newer = refused(&url).await;
    assert!(matches!(newer, OpenError::Newer { found: 99, .. }), "{newer}");
    store.close().await;
}

#[tokio::test]
async fn a_write_while_another_gateway_holds_the_lock_is_refused_as_busy() {
    let url = PostgreSql::shared().database();
    let (here, _directory) = open(&url).await;
    let (elsewhere, _other) = open(&url).await;
    let held = elsewhere.begin().await.unwrap();
    let refused = insert(&here, &plain(1)).await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    assert_eq!(here.proxies().await.unwrap(), [], "readers do not wait for writers");
    drop(held);
    insert(&here, &plain(1)).await.unwrap();
}

#[tokio::test]
async fn a_server_that_goes_and_comes_back_is_told_from_one_that_refuses() {
    let mut server = PostgreSql::start();
    let url = server.database();
    let (store, _directory) = open(&url).await;
    insert(&store, &plain(1)).await.unwrap();
    let mut changes = store.changes().await.unwrap();

    server.stop();
    let asked = Instant::now();
    let away = store.proxies().await;
    assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
    let refused = insert(&store, &plain(2)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
    assert!(timeout(Duration::from_secs(1), changes.changed()).await.is_err(), "an outage is no change");

    server.resume();
    let back = Instant::now();
    within(PATIENCE, changes.changed()).await;
    assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
    assert!(store.proxies().await.unwrap() == [plain(1).into()]);
    insert(&store, &plain(2)).await.unwrap();
    within(PATIENCE, changes.changed()).await;
}

/// The connections are as good as before, as far as anybody can see.
#[tokio::test]
async fn a_server_that_stops_answering_is_unavailable_until_it_does() {
    let server = PostgreSql::start();
    let (store, _directory) = open(&server.database()).await;
    insert(&store, &plain(1)).await.unwrap();
    let mut changes = store.changes().await.unwrap();
    let held = store.begin().await.unwrap();

    server.freeze();
    let asked = Instant::now();
    let hung = store.proxies().await;
    assert!(matches!(hung, Err(StoreError::Unavailable(_))), "{hung:?}");
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    // Longer than the interval between two looks and the patience with one of them.
    let (lost, silence) = tokio::join!(held.commit(), timeout(Duration::from_secs(9), changes.changed()));
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    assert!(silence.is_err(), "silence is no change");

    server.thaw();
    let back = Instant::now();
    within(PATIENCE, changes.changed()).await;
    assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
    insert(&store, &plain(2)).await.unwrap();
    assert!(store.proxies().await.unwrap() == [plain(1).into(), plain(2).into()]);
}

#[tokio::test]
async fn a_store_whose_server_is_away_opens_and_works_once_it_is_there() {
    let mut server = PostgreSql::start();
    let url = server.database();
    server.stop();
    let (store, _directory) = open(&url).await;
    let asked = Instant::now();
    let mut changes = store.changes().await.unwrap();
    assert!(matches!(store.proxies().await, Err(StoreError::Unavailable(_))));
    assert!(asked.elapsed() < Duration::from_secs(1), "it is known by now: {:?}", asked.elapsed());
    server.resume();
    let back = Instant::now();
    while let Err(error) = insert(&store, &plain(1)).await {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(back.elapsed() < Duration::from_secs(5), "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    within(PATIENCE, changes.changed()).await;
    assert_eq!(store.select(&Select::all(&PROXIES)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn acknowledged_writes_survive_kill_9_of_the_server() {
    let mut server = PostgreSql::start();
    let (store, _directory) = open(&server.database()).await;
    let mut acknowledged = 0;
    for round in 0..3 {
        let writer = tokio::spawn({
            let store = store.clone();
            async move {
                let mut number = acknowledged;
                while insert(&store, &plain(number)).await.is_ok() {
                    number += 1;
                }
                number
            }
        });
        tokio::time::sleep(Duration::from_millis(150 + round * 50)).await;
        server.kill();
        acknowledged = writer.await.unwrap();
        server.resume();
        let rows = store.proxies().await.unwrap();
        // The one that was being committed may be there too, but whole.
        assert!((acknowledged..=acknowledged + 1).contains(&rows.len()), "{} of {acknowledged}", rows.len());
        assert!(rows.iter().enumerate().all(|(number, row)| **row == plain(number)));
        acknowledged = rows.len();
    }
    assert!(acknowledged > 10, "the writer hardly wrote");
}

#[tokio::test]
async fn the_last_snapshot_is_kept_for_its_owner_alone() {
    let (store, directory) = empty_store().await;
    let last = store.last_snapshot().unwrap();
    assert_eq!(last.read().await.unwrap_err().kind(), std::io::ErrorKind::NotFound);
    let full = Kept { proxies: vec![plain(1).into(), full(2).into()], secrets: vec![distinct(&SECRETS, 1)] };
    let small = Kept { proxies: vec![plain(3).into()], secrets: Vec::new() };
    for kept in [full, small] {
        last.write(&kept).await.unwrap();
        assert!(last.read().await.unwrap() == kept);
    }
    let file = directory.path().join("last-snapshot.json").metadata().unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}
