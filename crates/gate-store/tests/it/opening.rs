//! Data directories that can and cannot be opened; those that cannot are left as they were found.

use crate::proxies::{insert, plain};
use crate::sqlite::empty_store;
use gate_store::{OpenError, Store, StoreError};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::fs;
use std::path::Path;

/// A connection past the store, as another program would have it.
pub(crate) async fn other_program(directory: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(directory.join("data.db")).create_if_missing(true);
    options.connect().await.unwrap()
}

pub(crate) async fn execute(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

/// A closed database with some rows.
async fn database_with_rows(count: usize) -> tempfile::TempDir {
    let (store, directory) = empty_store().await;
    for number in 0..count {
        insert(&store, &plain(number)).await.unwrap();
    }
    store.close().await;
    directory
}

/// Opens a directory that cannot be opened and makes sure that its database is still the same, byte for byte.
async fn refused(directory: &Path) -> OpenError {
    let database = directory.join("data.db");
    let before = fs::read(&database).ok();
    let error = Store::open(directory).await.unwrap_err();
    assert!(fs::read(&database).ok() == before, "the database was changed");
    assert!(!error.to_string().contains('\n'), "more than one sentence: {error}");
    error
}

#[tokio::test]
async fn r019_us1_ac3_a_fresh_directory_gets_its_tables() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a/b");
    let store = Store::open(&directory).await.unwrap();
    assert_eq!(store.proxies().await.unwrap(), []);
    store.close().await;
    assert_private(&directory);
}

#[cfg(unix)]
fn assert_private(directory: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(directory), 0o700);
    assert_eq!(mode(&directory.join("data.db")), 0o600);
}

#[cfg(not(unix))]
fn assert_private(_directory: &Path) {}

#[tokio::test]
async fn what_was_stored_is_there_after_reopening() {
    let directory = database_with_rows(3).await;
    let store = Store::open(directory.path()).await.unwrap();
    assert!(store.proxies().await.unwrap() == [plain(0).into(), plain(1).into(), plain(2).into()]);
}

#[tokio::test]
async fn r019_fr_003_a_table_that_was_dropped_is_made_anew() {
    let directory = database_with_rows(1).await;
    let mut other = other_program(directory.path()).await;
    execute(&mut other, r#"DROP TABLE "_proxies""#).await;
    other.close().await.unwrap();
    let store = Store::open(directory.path()).await.unwrap();
    insert(&store, &plain(1)).await.unwrap();
    assert!(store.proxies().await.unwrap() == [plain(1).into()]);
}

#[tokio::test]
async fn stores_opened_at_the_same_moment_agree_on_the_schema() {
    let directory = tempfile::tempdir().unwrap();
    let opening = (0..8).map(|_| {
        let path = directory.path().to_owned();
        tokio::spawn(async move { Store::open(&path).await.unwrap().proxies().await.unwrap() })
    });
    for opened in opening.collect::<Vec<_>>() {
        assert_eq!(opened.await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_file_in_place_of_the_directory_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(refused(file.path()).await, OpenError::NotADirectory { .. }));
    assert!(matches!(refused(&file.path().join("below")).await, OpenError::CreateDirectory { .. }));
}

/// The tests may run as root, which may write everywhere but in `/proc`.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_directory_that_cannot_be_made_or_written_is_refused() {
    assert!(matches!(refused(Path::new("/proc/pocketgate")).await, OpenError::CreateDirectory { .. }));
    assert!(matches!(refused(Path::new("/proc/self")).await, OpenError::NotWritable { .. }));
}

#[tokio::test]
async fn a_directory_in_place_of_the_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("data.db")).unwrap();
    assert!(matches!(refused(directory.path()).await, OpenError::NotADatabase { .. }));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for content in [&b"x"[..], b"not a database at all", &[0xff; 8192]] {
        fs::write(directory.path().join("data.db"), content).unwrap();
        let error = refused(directory.path()).await;
        assert!(matches!(error, OpenError::NotADatabase { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let directory = database_with_rows(200).await;
    let path = directory.path().join("data.db");
    let sound = fs::read(&path).unwrap();

    let mut overwritten = sound.clone();
    let tail = overwritten.len() - 6000;
    overwritten[tail..].fill(0x5a);
    let mut schema_overwritten = sound.clone();
    schema_overwritten[100..4000].fill(0x5a);
    let cut = sound[..sound.len() / 2].to_vec();

    for damaged in [overwritten, schema_overwritten, cut] {
        fs::write(&path, damaged).unwrap();
        let error = refused(directory.path()).await;
        assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let directory = database_with_rows(1).await;
    let mut other = other_program(directory.path()).await;
    execute(&mut other, "PRAGMA user_version = 99").await;
    other.close().await.unwrap();
    let error = refused(directory.path()).await;
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
}

#[tokio::test]
async fn a_database_somebody_keeps_locked_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut other = other_program(directory.path()).await;
    execute(&mut other, "PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE t (x); BEGIN EXCLUSIVE").await;
    let error = refused(directory.path()).await;
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
}

#[tokio::test]
async fn a_write_to_a_file_that_was_replaced_is_never_acknowledged() {
    let (store, directory) = empty_store().await;
    let database = directory.path().join("data.db");
    fs::rename(&database, directory.path().join("taken")).unwrap();
    assert!(matches!(insert(&store, &plain(1)).await, Err(StoreError::Replaced)));
    fs::write(&database, "").unwrap();
    assert!(matches!(insert(&store, &plain(1)).await, Err(StoreError::Replaced)));
    assert!(matches!(store.proxies().await, Err(StoreError::Replaced)));
}

#[tokio::test]
async fn a_write_while_another_program_holds_the_lock_is_refused_as_busy() {
    let (store, directory) = empty_store().await;
    let mut other = other_program(directory.path()).await;
    execute(&mut other, "BEGIN IMMEDIATE").await;
    assert!(matches!(insert(&store, &plain(1)).await, Err(StoreError::Busy)));
    assert_eq!(store.proxies().await.unwrap(), [], "readers do not wait for writers");
    execute(&mut other, "ROLLBACK").await;
    insert(&store, &plain(1)).await.unwrap();
}
