//! Databases that others wrote: the fork's, and rows put in by hand.

use crate::opening::{execute, other_program};
use crate::proxies::{full, insert};
use crate::rows::distinct;
use crate::sqlite::empty_store;
use gate_store::{PARAMS, SUPERUSERS, Store, USERS};
use sqlx::Connection;

/// The table as the fork makes it: no defaults worth the name, none of the fields added here.
const FORK: &str = r#"
    CREATE TABLE `_proxies` (`accessRule` TEXT DEFAULT '' NOT NULL, `active` BOOLEAN DEFAULT FALSE NOT NULL,
        `circuitBreaker` JSON DEFAULT NULL, `created` TEXT DEFAULT '' NOT NULL, `headers` JSON DEFAULT NULL,
        `id` TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL,
        `maxConcurrent` NUMERIC DEFAULT 0 NOT NULL, `path` TEXT DEFAULT '' NOT NULL,
        `stripPath` BOOLEAN DEFAULT FALSE NOT NULL, `timeout` NUMERIC DEFAULT 0 NOT NULL,
        `timeoutConfig` JSON DEFAULT NULL, `updated` TEXT DEFAULT '' NOT NULL, `upstream` TEXT DEFAULT '' NOT NULL);
    CREATE UNIQUE INDEX `idx_proxies_path` ON `_proxies` (`path`);
    CREATE INDEX `idx_proxies_active` ON `_proxies` (`active`);
    INSERT INTO `_proxies` (id, path, upstream, active, stripPath, timeout, headers, created, updated) VALUES
        ('abcdefghij01234', '/-/openai', 'https://api.openai.com', TRUE, TRUE, 60,
         '{"Authorization":"Bearer {env.KEY}"}', '2026-01-01 10:00:00.123Z', '2026-01-02 10:00:00.123Z');
"#;

#[tokio::test]
async fn r019_sc_005_a_database_of_the_fork_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut fork = other_program(directory.path()).await;
    execute(&mut fork, FORK).await;
    fork.close().await.unwrap();

    let store = Store::open(directory.path()).await.unwrap();
    let row = store.proxy_by_path("/-/openai").await.unwrap().unwrap();
    assert_eq!((row.timeout, row.active, row.strip_path, row.forward_auth), (60.0, true, true, false));
    assert_eq!(row.headers.as_deref(), Some(r#"{"Authorization":"Bearer {env.KEY}"}"#));
    assert_eq!(row.updated, "2026-01-02 10:00:00.123Z");
    insert(&store, &full(1)).await.unwrap();
    assert!(store.proxy(&full(1).id).await.unwrap() == Some(full(1)));
}

/// The tables as PocketBase makes them, with a field of the operator's own and without one that the operator deleted.
const POCKETBASE: &str = r#"
    CREATE TABLE `_params` (`created` TEXT DEFAULT '' NOT NULL,
        `id` TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL, `updated` TEXT DEFAULT '' NOT NULL,
        `value` JSON DEFAULT NULL);
    INSERT INTO `_params` (id, value) VALUES ('settings', '{"meta":{"appName":"Mine"}}');
    CREATE TABLE `_superusers` (`created` TEXT DEFAULT '' NOT NULL, `email` TEXT DEFAULT '' NOT NULL,
        `emailVisibility` BOOLEAN DEFAULT FALSE NOT NULL,
        `id` TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL,
        `password` TEXT DEFAULT '' NOT NULL, `tokenKey` TEXT DEFAULT '' NOT NULL,
        `updated` TEXT DEFAULT '' NOT NULL, `verified` BOOLEAN DEFAULT FALSE NOT NULL);
    CREATE UNIQUE INDEX `idx_tokenKey_pbc_3142635823` ON `_superusers` (`tokenKey`);
    CREATE UNIQUE INDEX `idx_email_pbc_3142635823` ON `_superusers` (`email`) WHERE `email` != '';
    CREATE TABLE `users` (`created` TEXT DEFAULT '' NOT NULL, `email` TEXT DEFAULT '' NOT NULL,
        `emailVisibility` BOOLEAN DEFAULT FALSE NOT NULL,
        `id` TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL, `name` TEXT DEFAULT '' NOT NULL,
        `password` TEXT DEFAULT '' NOT NULL, `tokenKey` TEXT DEFAULT '' NOT NULL,
        `updated` TEXT DEFAULT '' NOT NULL, `verified` BOOLEAN DEFAULT FALSE NOT NULL,
        `role` TEXT DEFAULT '' NOT NULL);
    CREATE UNIQUE INDEX `idx_tokenKey__pb_users_auth_` ON `users` (`tokenKey`);
    CREATE UNIQUE INDEX `idx_email__pb_users_auth_` ON `users` (`email`) WHERE `email` != '';
    INSERT INTO `users` (id, email, tokenKey, name, verified, role)
        VALUES ('abcdefghij01234', 'a@example.com', 'key', 'Ann', TRUE, 'admin');
"#;

#[tokio::test]
async fn a_database_of_pocketbase_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut other = other_program(directory.path()).await;
    execute(&mut other, POCKETBASE).await;
    let store = Store::open(directory.path()).await.unwrap();
    let user = store.find(&USERS, "email", "a@example.com").await.unwrap().unwrap();
    assert_eq!((user.text("name"), user.text("avatar"), user.flag("verified")), ("Ann", "", true));
    let settings = store.find(&PARAMS, "id", "settings").await.unwrap().unwrap();
    assert_eq!(settings.json("value"), Some(r#"{"meta":{"appName":"Mine"}}"#));

    let mut transaction = store.begin().await.unwrap();
    transaction.update(&user.with("name", "Bo").with("avatar", "x.png"), None).await.unwrap();
    transaction.insert(&distinct(&SUPERUSERS, 1)).await.unwrap();
    transaction.commit().await.unwrap();
    let role: String = sqlx::query_scalar("SELECT role FROM users").fetch_one(&mut other).await.unwrap();
    assert_eq!(role, "admin", "a field of the operator's own was touched");
}

#[tokio::test]
async fn a_row_written_by_hand_gets_the_defaults_of_a_new_proxy() {
    let (store, directory) = empty_store().await;
    let mut other = other_program(directory.path()).await;
    execute(&mut other, r#"INSERT INTO "_proxies" (path, upstream) VALUES ('/x', 'http://y')"#).await;
    let row = store.proxy_by_path("/x").await.unwrap().unwrap();
    assert_eq!((row.active, row.strip_path, row.timeout), (true, true, 30.0));
    assert_eq!(row.id.len(), 15);
    assert_eq!(row.created.len(), "2006-01-02 15:04:05.000Z".len());
    assert_eq!(row.access_rule, "");
}

#[tokio::test]
async fn odd_values_of_other_programs_hide_no_row() {
    let (store, directory) = empty_store().await;
    insert(&store, &full(1)).await.unwrap();
    let mut other = other_program(directory.path()).await;
    execute(
        &mut other,
        r#"INSERT INTO "_proxies" (id, path, upstream, timeout, active, maxConcurrent, headers, name) VALUES
           ('odd', x'ff2f', 5, 'soon', 'maybe', 1e300, 5, x'ff')"#,
    )
    .await;
    let rows = store.proxies().await.unwrap();
    assert_eq!(rows.len(), 2);
    let odd = &rows[1];
    assert_eq!((odd.path.as_str(), odd.upstream.as_str()), ("\u{fffd}/", "5"));
    assert_eq!((odd.timeout, odd.active, odd.headers.as_deref()), (0.0, false, Some("5")));
}
