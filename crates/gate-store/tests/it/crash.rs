//! A process that is killed while it writes loses nothing it acknowledged.

use crate::proxies::{full, insert};
use gate_store::{Location, Store};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

const KILLS: usize = 20;

/// Where the child writes; only set in the child. With a URL, the directory is only beside the database.
const DIRECTORY: &str = "POCKETGATE_TEST_CRASH_DIRECTORY";
const URL: &str = "POCKETGATE_TEST_CRASH_URL";

/// Not a test: the child that is killed. It writes rows and says so after each was acknowledged.
#[tokio::test]
#[ignore = "started by acknowledged_writes_survive_kill_9"]
async fn child_that_writes() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store = Store::open(location(Path::new(&directory), std::env::var(URL).ok())).await.unwrap();
    let first = store.proxies().await.unwrap().len();
    for number in first.. {
        insert(&store, &full(number)).await.unwrap();
        println!("acknowledged {number}");
    }
}

#[tokio::test]
async fn acknowledged_writes_survive_kill_9() {
    check_kills(None).await;
}

#[cfg(unix)]
#[tokio::test]
async fn acknowledged_writes_to_postgresql_survive_kill_9() {
    check_kills(Some(gate_testkit::PostgreSql::shared().database())).await;
}

async fn check_kills(url: Option<String>) {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged_total = 0;
    for round in 0..KILLS {
        let acknowledged = write_until_killed(directory.path(), url.as_deref(), 1 + round * 3);
        acknowledged_total = acknowledged_total.max(acknowledged);

        // Opening checks every page; what was written but not acknowledged may be there too, but whole.
        let store = Store::open(location(directory.path(), url.clone())).await.unwrap();
        let rows = store.proxies().await.unwrap();
        assert!(rows.len() >= acknowledged_total, "{} of {acknowledged_total} rows", rows.len());
        assert!(rows.iter().enumerate().all(|(number, row)| **row == full(number)));
        store.close().await;
    }
    assert!(acknowledged_total >= KILLS, "the child hardly wrote");
}

fn location(directory: &Path, url: Option<String>) -> Location {
    match url {
        Some(url) => Location::Postgres { url, directory: directory.to_owned() },
        None => Location::Directory(directory.to_owned()),
    }
}

/// Starts a child, kills it after it acknowledged some writes, and returns how many rows there must be.
fn write_until_killed(directory: &Path, url: Option<&str>, writes: usize) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_writes", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .envs(url.map(|url| (URL, url)))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let numbers = lines.filter_map(|line| line.unwrap().strip_prefix("acknowledged ")?.parse::<usize>().ok());
    // The rest of the pipe is read as well: what the child said before it died was acknowledged.
    let mut seen = 0;
    let mut last = None;
    for number in numbers {
        last = Some(number);
        seen += 1;
        if seen == writes {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    last.unwrap() + 1
}
