//! Changes made by others are noticed, soon, and through every trouble.

use crate::opening::{execute, other_program};
use crate::sqlite::empty_store;
use gate_store::Changes;
use std::time::{Duration, Instant};
use tokio::time::timeout;

const INSERT: &str = r#"INSERT INTO "_proxies" (path, upstream) VALUES (hex(randomblob(8)), 'http://y')"#;

async fn noticed(changes: &mut Changes) -> bool {
    timeout(Duration::from_secs(5), changes.changed()).await.is_ok()
}

async fn unnoticed(changes: &mut Changes) -> bool {
    timeout(Duration::from_millis(100), changes.changed()).await.is_err()
}

#[tokio::test]
async fn a_change_by_another_connection_is_noticed_within_100_ms() {
    let (store, directory) = empty_store().await;
    let mut other = other_program(directory.path()).await;
    let mut changes = store.changes().await.unwrap();
    let mut delays = Vec::new();
    for _ in 0..50 {
        execute(&mut other, INSERT).await;
        let written = Instant::now();
        changes.changed().await;
        delays.push(written.elapsed());
    }
    delays.sort_unstable();
    // The last of fifty may have met a busy machine; the rest have no excuse.
    assert!(delays[48] < Duration::from_millis(100), "{delays:?}");
}

#[tokio::test]
async fn several_changes_are_one_notice() {
    let (store, directory) = empty_store().await;
    let mut other = other_program(directory.path()).await;
    let mut changes = store.changes().await.unwrap();
    for _ in 0..5 {
        execute(&mut other, INSERT).await;
    }
    assert!(noticed(&mut changes).await);
    assert!(unnoticed(&mut changes).await);
}

#[tokio::test]
async fn a_notice_nobody_waited_for_is_kept() {
    let (store, directory) = empty_store().await;
    let mut other = other_program(directory.path()).await;
    let mut changes = store.changes().await.unwrap();
    assert!(unnoticed(&mut changes).await);
    execute(&mut other, INSERT).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(noticed(&mut changes).await);
}

#[tokio::test]
async fn a_lock_held_by_another_program_is_no_change_and_hides_none() {
    let (store, directory) = empty_store().await;
    let mut other = other_program(directory.path()).await;
    let mut changes = store.changes().await.unwrap();
    execute(&mut other, "BEGIN EXCLUSIVE").await;
    assert!(unnoticed(&mut changes).await);
    execute(&mut other, INSERT).await;
    assert!(unnoticed(&mut changes).await, "not committed yet");
    execute(&mut other, "COMMIT").await;
    assert!(noticed(&mut changes).await);
}

#[tokio::test]
async fn a_database_that_comes_back_counts_as_changed() {
    let (store, directory) = empty_store().await;
    let (here, away) = (directory.path().join("data.db"), directory.path().join("away"));
    let mut changes = store.changes().await.unwrap();
    std::fs::rename(&here, &away).unwrap();
    assert!(unnoticed(&mut changes).await);
    std::fs::rename(&away, &here).unwrap();
    assert!(noticed(&mut changes).await);
    assert!(unnoticed(&mut changes).await);
}
