//! Prints what waiting for changes costs an idle process, in CPU time (Linux only: reads `/proc`).
//!
//! `cargo run --release -p gate-store --example idle_cost`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for the developer's terminal")]

use gate_store::Store;
use std::fs;
use std::time::Duration;
use tokio::time::timeout;

const SETTLED_AFTER: Duration = Duration::from_secs(4);

const MEASURED_FOR: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).await.unwrap();
    let mut changes = store.changes().await.unwrap();
    // Making the database was a change; it looks different for a while.
    tokio::time::sleep(SETTLED_AFTER).await;
    let _ = timeout(SETTLED_AFTER, changes.changed()).await;
    let before = cpu_time();
    let changed = timeout(MEASURED_FOR, changes.changed()).await.is_ok();
    let used = cpu_time().saturating_sub(before);
    let share = used.as_secs_f64() / MEASURED_FOR.as_secs_f64() * 100.0;
    println!("{share:.3} % of one core, {used:?} in {MEASURED_FOR:?} (noticed something: {changed})");
}

/// The time that all threads of this process have run so far.
fn cpu_time() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let nanoseconds = tasks.map(|task| {
        let schedstat = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
        schedstat.split(' ').next().unwrap().parse::<u64>().unwrap()
    });
    Duration::from_nanos(nanoseconds.sum())
}
