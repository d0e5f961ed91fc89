//! What a store does whatever database it lives in. Every function takes an empty store.

use crate::proxies::{delete, full, insert, plain, update};
use crate::rows::{distinct, tables, write};
use gate_rules::{Condition, Context, FieldKind, Rule, Scope, SortKey, sort_keys};
use gate_store::{
    Change, LOGS, LogsInHour, PARAMS, PROXIES, ProxyRow, SECRETS, SUPERUSERS, Select, Store, StoreError,
    USERS,
};
use std::borrow::Cow;
use std::time::{Duration, SystemTime};
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
    for nothing in ["", "a\0b", "\0"] {
        assert_eq!(store.proxy(nothing).await.unwrap(), None);
        assert!(store.logs().find(nothing).await.unwrap().is_none());
        let mut transaction = store.begin().await.unwrap();
        assert!(transaction.find(&USERS, "email", nothing).await.unwrap().is_none());
        // The transaction goes on.
        transaction.insert(&distinct(&USERS, 1)).await.unwrap();
    }
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
    let listed: Vec<_> = store.proxies().await.unwrap().into_iter().map(|row| row.id.clone()).collect();
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
    assert!(store.proxies().await.unwrap() == [changed.into()]);
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
    assert!(store.proxies().await.unwrap() == [row.into()]);
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
    assert!(store.proxies().await.unwrap() == [plain(2).into()]);
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
    assert!(store.proxies().await.unwrap() == [plain(1).into()]);

    store.apply(&[delete_first, insert_second]).await.unwrap();
    assert!(store.proxies().await.unwrap() == [plain(2).into()]);
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

pub(crate) async fn rows_are_selected_by_conditions_and_in_an_order(store: &Store) {
    let user =
        |number, name: &str, verified| distinct(&USERS, number).with("name", name).with("verified", verified);
    let rows =
        [user(1, "b", true), user(2, "B", false), user(3, "", true), user(4, "ä", true), user(5, "b", true)];
    write(store, &rows).await.unwrap();
    for (filter, order, expected) in [
        ("name = 'b'", "", [1, 5].as_slice()),
        ("name ~ 'b'", "-@rowid", &[5, 2, 1]),
        ("verified = true && name != 'b'", "", &[3, 4]),
        ("email = 'email 2' || id = 'id 3'", "-id", &[3, 2]),
        ("name > 'B'", "name,-@rowid", &[5, 1, 4]),
        ("", "name", &[3, 2, 1, 5, 4]),
        ("", "-verified,-name", &[4, 1, 5, 3, 2]),
    ] {
        let select =
            Select { conditions: condition(filter, store), order: sorted(order), ..Select::all(&USERS) };
        let found: Vec<_> =
            store.select(&select).await.unwrap().iter().map(|row| row.id().to_owned()).collect();
        let expected: Vec<_> = expected.iter().map(|number| format!("id {number}")).collect();
        assert_eq!(found, expected, "{filter} by {order}");
        assert_eq!(store.count_where(&USERS, &select.conditions).await.unwrap(), expected.len() as u64);
    }
    let both = [condition("name = 'b'", store), condition("id = 'id 5'", store)].concat();
    assert_eq!(store.count_where(&USERS, &both).await.unwrap(), 1);
}

/// The columns of `users` that are asked about here.
const SCOPE: Scope<'_> = Scope::new(&[
    ("id", FieldKind::Text),
    ("email", FieldKind::Text),
    ("name", FieldKind::Text),
    ("verified", FieldKind::Bool),
]);

/// Filters here ask about rows alone.
struct NoRequest;

impl Context for NoRequest {
    fn method(&self) -> &'static str {
        "GET"
    }

    fn auth(&self, _name: &str) -> gate_rules::Value<'_> {
        gate_rules::Value::Null
    }

    fn header(&self, _key: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn query(&self, _key: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn field(&self, _name: &str) -> gate_rules::Value<'_> {
        gate_rules::Value::Null
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

fn condition(filter: &str, store: &Store) -> Vec<Condition> {
    let filter = (!filter.is_empty()).then(|| Rule::compile(filter, &SCOPE).unwrap());
    filter.iter().map(|rule| rule.to_sql(store.dialect(), &NoRequest)).collect()
}

fn sorted(order: &str) -> Vec<SortKey> {
    sort_keys(order, &SCOPE).unwrap()
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

pub(crate) async fn those_who_wait_to_write_are_in_nobodys_way(store: &Store) {
    let mut writer = store.begin().await.unwrap();
    let waiting: Vec<_> = (0..20)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { insert(&store, &plain(number)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    // Within the time it takes to be refused a connection, and then some.
    let read = timeout(Duration::from_secs(4), store.proxies()).await;
    assert_eq!(read.unwrap().unwrap(), []);
    writer.insert(&full(100).to_row()).await.unwrap();
    writer.commit().await.unwrap();
    for waited in waiting {
        waited.await.unwrap().unwrap();
    }
    assert_eq!(store.proxies().await.unwrap().len(), 21);
}

pub(crate) async fn logs_are_kept_counted_and_deleted(store: &Store) {
    let logs = store.logs();
    let log = |number: u32, time: &str| distinct(&LOGS, number).with("created", time);
    let rows = [
        log(1, "2026-01-01 10:59:59.999Z"),
        log(2, "2026-01-01 11:00:00.000Z"),
        log(3, "2026-01-01 11:30:00.000Z"),
    ];
    logs.append(&rows).await.unwrap();
    assert!(logs.select(&Select::all(&LOGS)).await.unwrap() == rows);
    assert!(logs.find(rows[1].id()).await.unwrap().as_ref() == Some(&rows[1]));
    let hour = |hour: &str, total| LogsInHour { hour: hour.to_owned(), total };
    let hours = [hour("2026-01-01 10:00:00.000Z", 1), hour("2026-01-01 11:00:00.000Z", 2)];
    assert_eq!(logs.per_hour(&[]).await.unwrap(), hours);

    assert_eq!(logs.delete_before("2026-01-01 11:00:00.000Z").await.unwrap(), 1);
    assert_eq!(logs.count(&[]).await.unwrap(), 2);
    assert_eq!(logs.keep_newest(2).await.unwrap(), 0);
    assert_eq!(logs.keep_newest(1).await.unwrap(), 1);
    assert!(logs.select(&Select::all(&LOGS)).await.unwrap() == rows[2..]);
    logs.truncate().await.unwrap();
    assert_eq!(logs.count(&[]).await.unwrap(), 0);
}

pub(crate) async fn a_batch_of_logs_is_appended_whole_or_not_at_all(store: &Store) {
    let logs = store.logs();
    logs.append(&[]).await.unwrap();
    assert!(logs.append(&[distinct(&LOGS, 1), distinct(&LOGS, 1)]).await.is_err());
    assert_eq!(logs.count(&[]).await.unwrap(), 0);
}

pub(crate) async fn logs_are_no_change_and_wait_for_no_writer(store: &Store) {
    let mut changes = store.changes().await.unwrap();
    let writer = store.begin().await.unwrap();
    timeout(Duration::from_secs(2), store.logs().append(&[distinct(&LOGS, 1)])).await.unwrap().unwrap();
    assert!(timeout(Duration::from_millis(100), changes.changed()).await.is_err());
    drop(writer);
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
            rows_are_selected_by_conditions_and_in_an_order
            what_is_taken_is_named
            a_secret_is_unique_in_its_environment
            several_rows_may_lack_what_is_unique_otherwise
            a_transaction_sees_its_own_writes_and_nobody_else_does
            a_transaction_that_is_dropped_never_was
            what_a_transaction_read_stays_true_until_its_end
            those_who_wait_to_write_are_in_nobodys_way
            logs_are_kept_counted_and_deleted
            a_batch_of_logs_is_appended_whole_or_not_at_all
            logs_are_no_change_and_wait_for_no_writer
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
