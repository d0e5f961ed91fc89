//! Prints what it costs to read and compile many proxies, in CPU time (Linux only: reads `/proc`), which other
//! programs on the machine falsify less than the time on the clock.
//!
//! `cargo run --release -p gate-records --example reload_cost`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for the developer's terminal")]

use gate_records::secrets::ResolvedSecrets;
use gate_records::{Compiler, EnvironmentPolicy, ProxyRecord};
use gate_store::{Change, ProxyRow, Store};
use serde_json::json;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// That of the real thing: it counts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROXIES: usize = 10_000;
const ROUNDS: usize = 7;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).await.unwrap();
    let changes: Vec<Change> = (0..PROXIES).map(insert).collect();
    let started = Instant::now();
    store.apply(&changes).await.unwrap();
    println!("{PROXIES} proxies written in {:?}", started.elapsed());

    let mut compiler = Compiler::new(EnvironmentPolicy::with_reader([], |_| Some("value".to_owned())), 2);
    for round in 0..ROUNDS {
        if round > 0 && round % 2 == 0 {
            edit(&store).await;
        }
        let (started, before) = (Instant::now(), cpu_time());
        let rows = store.proxies().await.unwrap();
        let read = cpu_time().saturating_sub(before);
        let compiled = compiler.compile(rows, ResolvedSecrets::default());
        let total = cpu_time().saturating_sub(before);
        assert_eq!(compiled.snapshot.routes().proxies().len(), PROXIES);
        let which = match round {
            0 => "first load",
            round if round % 2 == 0 => "every proxy edited",
            _ => "nothing edited",
        };
        println!("{which}: {total:?} (of which {read:?} to read), {:?} on the clock", started.elapsed());
    }
}

/// Changes every proxy.
async fn edit(store: &Store) {
    let rows = store.proxies().await.unwrap().into_iter().map(Arc::unwrap_or_clone);
    let edited = rows.map(|row| ProxyRow { timeout: row.timeout % 60.0 + 1.0, ..row });
    let changes: Vec<_> = edited.map(|row| Change::Update { row, expected_updated: None }).collect();
    store.apply(&changes).await.unwrap();
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

fn insert(number: usize) -> Change {
    let record = ProxyRecord {
        path: format!("/-/team{}/service{number}", number % 100),
        upstream: format!("https://service{number}.example.com/v1"),
        name: format!("Service {number}"),
        headers: json!({"Authorization": "Bearer {env.KEY}", "X-Service": number.to_string()}),
        timeout_config: json!({"dial": 3, "response_header": 0}),
        ..ProxyRecord::default()
    };
    Change::Insert(record.check().unwrap().new_row())
}
