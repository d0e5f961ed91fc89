//! Backups are whole, and putting one back loses nothing.

use crate::opening::{execute, other_program};
use crate::proxies::{full, insert, plain};
use crate::rows::{distinct, tables, write};
use crate::sqlite::empty_store;
use gate_store::{BackupError, OpenError, RestoreError, Store, backup_directory, backups, restore};
use sqlx::Connection;
use std::fs;
use std::path::Path;

/// Puts a backup into a directory of its own and opens it there.
async fn opened(backup: &Path) -> (Store, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(restore(backup, directory.path()).await.unwrap(), None);
    (Store::open(directory.path()).await.unwrap(), directory)
}

pub(crate) async fn check_backup_has_every_row(store: &Store, to: &Path) {
    for table in tables() {
        write(store, &[distinct(table, 1), distinct(table, 2)]).await.unwrap();
    }
    store.backup(to).await.unwrap();
    insert(store, &plain(1)).await.unwrap();
    let (copy, _directory) = opened(to).await;
    for table in tables() {
        for number in [1, 2] {
            let row = copy.find(table, "id", distinct(table, number).id()).await.unwrap().unwrap();
            assert!(row.values() == distinct(table, number).values(), "{}", table.name);
        }
        assert_eq!(copy.count(table).await.unwrap(), 2, "{}", table.name);
    }
}

#[tokio::test]
async fn a_backup_has_every_row_of_its_moment() {
    let (store, directory) = empty_store().await;
    check_backup_has_every_row(&store, &directory.path().join("copy.db")).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_backup_of_postgresql_has_every_row_of_its_moment() {
    let (store, directory) = crate::postgres::empty_store().await;
    check_backup_has_every_row(&store, &directory.path().join("copy.db")).await;
}

#[tokio::test]
async fn a_backup_is_for_its_owner_alone_and_overwrites_nothing() {
    let (store, directory) = empty_store().await;
    let to = directory.path().join("copy.db");
    store.backup(&to).await.unwrap();
    let before = fs::read(&to).unwrap();
    insert(&store, &plain(1)).await.unwrap();
    assert!(matches!(store.backup(&to).await, Err(BackupError::Exists { .. })));
    assert!(fs::read(&to).unwrap() == before);
    let nowhere = directory.path().join("no/such/directory.db");
    assert!(matches!(store.backup(&nowhere).await, Err(BackupError::NotWritten { .. })));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(to.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_backups_of_one_name_at_the_same_time_one_is_made_and_whole() {
    let (store, directory) = empty_store().await;
    for number in 0..50 {
        insert(&store, &full(number)).await.unwrap();
    }
    for round in 0..10 {
        let to = directory.path().join(format!("copy-{round}.db"));
        let backups: Vec<_> = (0..4)
            .map(|_| {
                let (store, to) = (store.clone(), to.clone());
                tokio::spawn(async move { store.backup(&to).await })
            })
            .collect();
        let mut made = 0;
        for backup in backups {
            match backup.await.unwrap() {
                Ok(()) => made += 1,
                refused => assert!(matches!(refused, Err(BackupError::Exists { .. })), "{refused:?}"),
            }
        }
        assert_eq!(made, 1);
        let (copy, _directory) = opened(&to).await;
        assert_eq!(copy.proxies().await.unwrap().len(), 50);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(to.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
    let is_partial = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|kind| kind == "partial");
    assert_eq!(fs::read_dir(directory.path()).unwrap().flatten().filter(is_partial).count(), 0);
}

#[tokio::test]
async fn a_backup_while_others_write_is_sound() {
    let (store, directory) = empty_store().await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..200 {
                insert(&store, &full(number)).await.unwrap();
            }
        }
    });
    for number in 0..5 {
        store.backup(&directory.path().join(format!("{number}.db"))).await.unwrap();
    }
    writer.await.unwrap();
    for number in 0..5 {
        let (copy, _directory) = opened(&directory.path().join(format!("{number}.db"))).await;
        let rows = copy.proxies().await.unwrap();
        assert!(rows.iter().enumerate().all(|(number, row)| **row == full(number)));
    }
}

#[tokio::test]
async fn what_a_backup_replaces_is_kept() {
    let (store, directory) = empty_store().await;
    let to = directory.path().join("copy.db");
    insert(&store, &plain(1)).await.unwrap();
    store.backup(&to).await.unwrap();
    insert(&store, &plain(2)).await.unwrap();
    store.close().await;

    let kept = restore(&to, directory.path()).await.unwrap().unwrap();
    let store = Store::open(directory.path()).await.unwrap();
    assert!(store.proxies().await.unwrap() == [plain(1).into()]);
    let (former, _directory) = opened(&kept).await;
    assert!(former.proxies().await.unwrap() == [plain(1).into(), plain(2).into()]);
}

#[tokio::test]
async fn a_backup_is_not_restored_under_an_open_store() {
    let (store, directory) = empty_store().await;
    let to = directory.path().join("copy.db");
    store.backup(&to).await.unwrap();
    insert(&store, &plain(1)).await.unwrap();
    let refused = restore(&to, directory.path()).await;
    assert!(matches!(refused, Err(RestoreError::InUse { .. })), "{refused:?}");
    assert!(store.proxies().await.unwrap() == [plain(1).into()]);
    store.close().await;
    restore(&to, directory.path()).await.unwrap();
}

#[tokio::test]
async fn a_backup_that_is_none_leaves_the_records_as_they_were() {
    let (store, directory) = empty_store().await;
    insert(&store, &plain(1)).await.unwrap();
    let sound = directory.path().join("sound.db");
    store.backup(&sound).await.unwrap();
    store.close().await;

    let file = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let damaged = fs::read(&sound).unwrap();
    let damaged = file("damaged.db", &damaged[..damaged.len() / 2]);
    let text = file("text.db", b"not a database");
    let nothing = file("nothing.db", b"");
    let elsewhere = tempfile::tempdir().unwrap();
    let mut other = other_program(elsewhere.path()).await;
    execute(&mut other, "CREATE TABLE t (x)").await;
    other.close().await.unwrap();

    let missing = directory.path().join("missing.db");
    for unusable in [damaged, text, nothing, elsewhere.path().join("data.db"), missing] {
        let refused = restore(&unusable, directory.path()).await;
        assert!(matches!(refused, Err(RestoreError::Unusable(_))), "{}: {refused:?}", unusable.display());
    }
    let store = Store::open(directory.path()).await.unwrap();
    assert!(store.proxies().await.unwrap() == [plain(1).into()]);
    assert!(!directory.path().join("data.db.restoring").exists());
}

#[tokio::test]
async fn a_directory_is_closed_to_others_while_it_is_restored() {
    let (store, directory) = empty_store().await;
    store.close().await;
    let alone = fs::File::open(directory.path().join("pocketgate.lock")).unwrap();
    alone.lock().unwrap();
    let refused = Store::open(directory.path()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Locked { .. }), "{refused}");
}

#[tokio::test]
async fn backups_are_listed_the_newest_first() {
    let (store, directory) = empty_store().await;
    assert_eq!(backups(directory.path()).unwrap(), []);
    let place = backup_directory(directory.path());
    fs::create_dir(&place).unwrap();
    for name in ["b.db", "a.db", "c.db"] {
        store.backup(&place.join(name)).await.unwrap();
        std::thread::sleep(std::time::Duration::from_millis(10)); // file systems keep dates to 4 ms
    }
    fs::write(place.join("notes.txt"), "no backup").unwrap();
    let listed = backups(directory.path()).unwrap();
    assert_eq!(
        listed.iter().map(|backup| backup.name.as_str()).collect::<Vec<_>>(),
        ["c.db", "a.db", "b.db"]
    );
    assert!(listed.iter().all(|backup| backup.bytes > 0));
}
