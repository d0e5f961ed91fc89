//! What a store does whatever database it lives in. Every function takes an empty store.

use crate::proxies::{delete, full, insert, plain, update};
use crate::rows::{distinct, tables, write};
use gate_store::{Change, PARAMS, PROXIES, ProxyRow, SECRETS, SUPERUSERS, Select, Store, StoreError, USERS};
use std::time::Duration;
use tokio::time::timeout;

pub(crate) async fn a_row_is_read_as_it_was_written(store: &Store) {
    let (full, plain) = (full(1), plain(2));
    insert(store, &full).await.unwrap();
    insert(store, &plain).await.unwrap();
    assert!(store.proxy(&full.id).await.unwrap() == Some(full.clone()));
    assert!(store.proxy_by_path(&full.path).await.unwrap() == Some(full));
    assert!(store.proxy(&plain.id).await.unwrap() == Some(plain));
}

pub(crate) async fn what_is_not_there_is_none(store: &Store) {
    assert_eq!(store.proxies().await.unwrap(), []);
    assert_eq!(store.proxy("missing").await.unwrap(), None);
    assert_eq!(store.proxy_by_path("/missing").await.unwrap(), None);
}

pub(crate) async fn paths_and_ids_are_found_by_their_exact_bytes(store: &Store) {
    let row = plain(1);
    insert(store, &row).await.unwrap();
    assert_eq!(store.proxy_by_path(&row.path.to_uppercase()).await.unwrap(), None);
    assert_eq!(store.proxy_by_path(&format!("{}/", row.path)).await.unwrap(), None);
    assert_eq!(store.proxy("%").await.unwrap(), None);
}

pub(crate) async fn rows_are_listed_in_the_order_they_were_made(store: &Store) {
    let rows = [plain(3), plain(1), plain(2)];
    for row in &rows {
        insert(store, row).await.unwrap();
    }
    let mut changed = rows[0].clone();
    changed.timeout = 1.0;
    update(store, &changed, None).await.unwrap();
    let listed: Vec<_> = store.proxies().await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(listed, rows.map(|row| row.id));
}

pub(crate) async fn an_update_replaces_every_field_but_the_date_of_creation(store: &Store) {
    insert(store, &plain(1)).await.unwrap();
    let mut changed = full(1);
    "/elsewhere".clone_into(&mut changed.path);
    "2000-01-01 00:00:00.000Z".clone_into(&mut changed.created);
    "2026-02-02 10:00:00.000Z".clone_into(&mut changed.updated);
    update(store, &changed, None).await.unwrap();
    changed.created = plain(1).created;
    assert!(store.proxies().await.unwrap() == [changed]);
}

pub(crate) async fn an_update_of_what_somebody_else_changed_is_a_conflict(store: &Store) {
    let mut row = plain(1);
    insert(store, &row).await.unwrap();
    let stale = row.updated.clone();
    "2026-02-02 10:00:00.000Z".clone_into(&mut row.updated);
    update(store, &row, Some(&stale)).await.unwrap();

    let mut late = row.clone();
    late.timeout = 1.0;
    let refused = update(store, &late, Some(&stale)).await;
    assert!(matches!(refused, Err(StoreError::Conflict { id }) if id == row.id));
    assert!(store.proxies().await.unwrap() == [row]);
}

pub(crate) async fn what_is_missing_cannot_be_changed_or_deleted(store: &Store) {
    let row = plain(1);
    assert!(matches!(update(store, &row, None).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(update(store, &row, Some("x")).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(delete(store, &row).await, Err(StoreError::NotFound { .. })));
}

pub(crate) async fn a_deleted_row_is_gone(store: &Store) {
    insert(store, &plain(1)).await.unwrap();
    insert(store, &plain(2)).await.unwrap();
    delete(store, &plain(1)).await.unwrap();
    assert!(store.proxies().await.unwrap() == [plain(2)]);
}

pub(crate) async fn a_path_and_an_id_are_taken_once(store: &Store) {
    insert(store, &plain(1)).await.unwrap();
    insert(store, &plain(2)).await.unwrap();
    let mut same_path = plain(3);
    same_path.path = plain(1).path;
    let mut same_id = plain(3);
    same_id.id = plain(1).id;
    let mut moved = plain(2);
    moved.path = plain(1).path;
    for (refused, named) in [
        (insert(store, &same_path).await, "path"),
        (insert(store, &same_id).await, "id"),
        (update(store, &moved, None).await, "path"),
    ] {
        assert!(matches!(refused, Err(StoreError::NotUnique { field, .. }) if field == named), "{named}");
    }
    assert_eq!(store.proxies().await.unwrap().len(), 2);
}

pub(crate) async fn several_changes_happen_together_or_not_at_all(store: &Store) {
    insert(store, &plain(1)).await.unwrap();
    let delete_first = Change::Delete { id: plain(1).id };
    let insert_second = Change::Insert(plain(2));
    let delete_missing = Change::Delete { id: plain(9).id };

    let refused = store.apply(&[delete_first.clone(), insert_second.clone(), delete_missing]).await;
    assert!(matches!(refused, Err(StoreError::NotFound { .. })));
    assert!(store.proxies().await.unwrap() == [plain(1)]);

    store.apply(&[delete_first, insert_second]).await.unwrap();
    assert!(store.proxies().await.unwrap() == [plain(2)]);
}

pub(crate) async fn writers_at_the_same_time_lose_nothing(store: &Store) {
    let writers = (0..8).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..10 {
                insert(&store, &plain(writer * 10 + number)).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(store.proxies().await.unwrap().len(), 80);
}

pub(crate) async fn a_change_is_noticed_and_only_a_change(store: &Store) {
    let mut changes = store.changes().await.unwrap();
    let quiet = Duration::from_millis(150);
    assert!(timeout(quiet, changes.changed()).await.is_err());
    insert(store, &plain(1)).await.unwrap();
    timeout(Duration::from_secs(5), changes.changed()).await.unwrap();
    store.proxies().await.unwrap();
    assert!(timeout(quiet, changes.changed()).await.is_err());
}

pub(crate) async fn every_listener_is_told_and_none_of_what_came_before_it(store: &Store) {
    let mut first = store.changes().await.unwrap();
    insert(store, &plain(1)).await.unwrap();
    let mut second = store.changes().await.unwrap();
    timeout(Duration::from_secs(5), first.changed()).await.unwrap();
    assert!(timeout(Duration::from_millis(100), second.changed()).await.is_err());
    delete(store, &plain(1)).await.unwrap();
    timeout(Duration::from_secs(5), first.changed()).await.unwrap();
    timeout(Duration::from_secs(5), second.changed()).await.unwrap();
}

pub(crate) async fn a_row_of_any_table_is_read_as_it_was_written(store: &Store) {
    for table in tables() {
        let written = distinct(table, 1);
        write(store, std::slice::from_ref(&written)).await.unwrap();
        assert_eq!(store.count(table).await.unwrap(), 1);
        let read = store.find(table, "id", written.id()).await.unwrap().unwrap();
        assert!(read.values() == written.values(), "{}", table.name);
        assert!(ProxyRow::from_row(&full(1).to_row()) == full(1));
    }
}

pub(crate) async fn rows_are_found_by_any_column(store: &Store) {
    write(store, &[distinct(&USERS, 1), distinct(&USERS, 2)]).await.unwrap();
    let found = store.find(&USERS, "email", "email 2").await.unwrap().unwrap();
    assert_eq!(found.id(), distinct(&USERS, 2).id());
    assert!(store.find(&USERS, "email", "EMAIL 2").await.unwrap().is_none());
    assert!(store.find(&USERS, "email", "").await.unwrap().is_none());
    assert!(store.find(&USERS, "verified", true).await.unwrap().is_some());
}

pub(crate) async fn rows_are_selected_page_by_page(store: &Store) {
    let rows: Vec<_> = [3, 1, 2, 5, 4].map(|number| distinct(&USERS, number)).into();
    write(store, &rows).await.unwrap();
    for (limit, offset, expected) in
        [(None, 0, [3, 1, 2, 5, 4].as_slice()), (Some(2), 0, &[3, 1]), (Some(2), 4, &[4]), (None, 3, &[5, 4])]
    {
        let expected: Vec<_> = expected.iter().map(|number| distinct(&USERS, *number)).collect();
        let select = Select { limit, offset, ..Select::all(&USERS) };
        assert!(store.select(&select).await.unwrap() == expected, "limit {limit:?} offset {offset}");
    }
    let beyond = Select { offset: u64::MAX, ..Select::all(&USERS) };
    assert_eq!(store.select(&beyond).await.unwrap(), []);
}

pub(crate) async fn what_is_taken_is_named(store: &Store) {
    for (table, column) in [
        (&PROXIES, "path"),
        (&PROXIES, "id"),
        (&SUPERUSERS, "email"),
        (&SUPERUSERS, "tokenKey"),
        (&USERS, "email"),
        (&USERS, "tokenKey"),
        (&PARAMS, "id"),
    ] {
        write(store, &[distinct(table, 1)]).await.ok();
        let taken = distinct(table, 1).value(column).clone();
        let refused = write(store, &[distinct(table, 2).with(column, taken)]).await;
        assert!(
            matches!(refused, Err(StoreError::NotUnique { field, .. }) if field == column),
            "{} {column}: {refused:?}",
            table.name
        );
    }
}

pub(crate) async fn a_secret_is_unique_in_its_environment(store: &Store) {
    let secret = distinct(&SECRETS, 1);
    let elsewhere = distinct(&SECRETS, 2).with("key", secret.text("key"));
    let again = distinct(&SECRETS, 3).with("key", secret.text("key")).with("env", secret.text("env"));
    write(store, &[secret, elsewhere]).await.unwrap();
    let refused = write(store, &[again]).await;
    assert!(matches!(refused, Err(StoreError::NotUnique { field: "key", .. })), "{refused:?}");
}

pub(crate) async fn several_rows_may_lack_what_is_unique_otherwise(store: &Store) {
    let nameless = |number| distinct(&USERS, number).with("email", "");
    write(store, &[nameless(1), nameless(2)]).await.unwrap();
    assert_eq!(store.count(&USERS).await.unwrap(), 2);
}

pub(crate) async fn a_transaction_sees_its_own_writes_and_nobody_else_does(store: &Store) {
    let mut transaction = store.begin().await.unwrap();
    transaction.insert(&distinct(&USERS, 1)).await.unwrap();
    assert_eq!(transaction.count(&USERS).await.unwrap(), 1);
    assert_eq!(transaction.select(&Select::all(&USERS)).await.unwrap().len(), 1);
    assert_eq!(store.count(&USERS).await.unwrap(), 0);
    transaction.commit().await.unwrap();
    assert_eq!(store.count(&USERS).await.unwrap(), 1);
}

pub(crate) async fn a_transaction_that_is_dropped_never_was(store: &Store) {
    let mut changes = store.changes().await.unwrap();
    let mut transaction = store.begin().await.unwrap();
    transaction.insert(&distinct(&USERS, 1)).await.unwrap();
    drop(transaction);
    assert_eq!(store.count(&USERS).await.unwrap(), 0);
    assert!(timeout(Duration::from_millis(100), changes.changed()).await.is_err());
}

pub(crate) async fn what_a_transaction_read_stays_true_until_its_end(store: &Store) {
    write(store, &[distinct(&PARAMS, 0).with("value", "0")]).await.unwrap();
    let adders = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                let mut transaction = store.begin().await.unwrap();
                let row = transaction.find(&PARAMS, "id", distinct(&PARAMS, 0).id()).await.unwrap().unwrap();
                let sum = row.text("value").parse::<u64>().unwrap() + 1;
                transaction.update(&row.with("value", sum.to_string()), None).await.unwrap();
                transaction.commit().await.unwrap();
            }
        })
    });
    for adder in adders.collect::<Vec<_>>() {
        adder.await.unwrap();
    }
    let row = store.find(&PARAMS, "id", distinct(&PARAMS, 0).id()).await.unwrap().unwrap();
    assert_eq!(row.text("value"), "40");
}

/// Makes one test of each function above; `$open` gives an empty store and what keeps it alive.
macro_rules! conformance {
    ($open:path) => {
        crate::conformance::conformance! { $open:
            a_row_is_read_as_it_was_written
            what_is_not_there_is_none
            paths_and_ids_are_found_by_their_exact_bytes
            rows_are_listed_in_the_order_they_were_made
            an_update_replaces_every_field_but_the_date_of_creation
            an_update_of_what_somebody_else_changed_is_a_conflict
            what_is_missing_cannot_be_changed_or_deleted
            a_deleted_row_is_gone
            a_path_and_an_id_are_taken_once
            several_changes_happen_together_or_not_at_all
            writers_at_the_same_time_lose_nothing
            a_change_is_noticed_and_only_a_change
            every_listener_is_told_and_none_of_what_came_before_it
            a_row_of_any_table_is_read_as_it_was_written
            rows_are_found_by_any_column
            rows_are_selected_page_by_page
            what_is_taken_is_named
            a_secret_is_unique_in_its_environment
            several_rows_may_lack_what_is_unique_otherwise
            a_transaction_sees_its_own_writes_and_nobody_else_does
            a_transaction_that_is_dropped_never_was
            what_a_transaction_read_stays_true_until_its_end
        }
    };
    ($open:path: $($name:ident)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                let (store, _kept) = $open().await;
                crate::conformance::$name(&store).await;
                store.close().await;
            }
        )+
    };
}

pub(crate) use conformance;
