//! Changes made by others are noticed, soon, and through every trouble.

use crate::opening::{execute, other_program};
use crate::sqlite::empty_store;
use gate_store::Changes;
use std::fs;
use std::path::Path;
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
    fs::rename(&here, &away).unwrap();
    assert!(unnoticed(&mut changes).await);
    fs::rename(&away, &here).unwrap();
    assert!(noticed(&mut changes).await);
    assert!(unnoticed(&mut changes).await);
}

#[tokio::test]
async fn all_who_watch_are_told_each_by_itself_through_one_connection() {
    let (store, directory) = empty_store().await;
    let mut other = other_program(directory.path()).await;
    execute(&mut other, INSERT).await;
    let mut first = store.changes().await.unwrap();
    let connections = open_files(directory.path());
    let mut second = store.changes().await.unwrap();
    execute(&mut other, INSERT).await;
    let mut late = store.changes().await.unwrap();
    assert_eq!(open_files(directory.path()), connections);
    assert!(unnoticed(&mut late).await, "that was before it watched");
    assert!(noticed(&mut first).await);
    assert!(unnoticed(&mut first).await);
    drop(first);
    assert!(noticed(&mut second).await, "the other one's notice is not its own");
    execute(&mut other, INSERT).await;
    assert!(noticed(&mut late).await && noticed(&mut second).await);
}

/// How many descriptors of this process lead into a directory.
fn open_files(directory: &Path) -> usize {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap();
    let targets = descriptors.filter_map(|descriptor| fs::read_link(descriptor.unwrap().path()).ok());
    targets.filter(|target| target.starts_with(directory)).count()
}
