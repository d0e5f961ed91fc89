//! A log that is in trouble is nobody else's.

use crate::proxies::{insert, plain};
use crate::rows::distinct;
use crate::sqlite::empty_store;
use gate_store::{LOGS, Store, StoreError};
use std::fs;

#[tokio::test]
async fn a_damaged_log_leaves_the_records_alone() {
    let (store, directory) = empty_store().await;
    store.close().await;
    fs::write(directory.path().join("auxiliary.db"), "not a database").unwrap();
    let store = Store::open(directory.path()).await.unwrap();
    insert(&store, &plain(1)).await.unwrap();
    let refused = store.logs().append(&[distinct(&LOGS, 1)]).await;
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
    insert(&store, &plain(2)).await.unwrap();
    assert_eq!(fs::read(directory.path().join("auxiliary.db")).unwrap(), b"not a database");

    fs::remove_file(directory.path().join("auxiliary.db")).unwrap();
    store.logs().append(&[distinct(&LOGS, 1)]).await.unwrap();
    assert_eq!(store.logs().count(&[]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_store_that_logs_nothing_makes_no_log() {
    let (store, directory) = empty_store().await;
    insert(&store, &plain(1)).await.unwrap();
    assert!(!directory.path().join("auxiliary.db").exists());
}
