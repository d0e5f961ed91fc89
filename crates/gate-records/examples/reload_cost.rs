//! Prints how long it takes to read and compile many proxies.
//!
//! `cargo run --release -p gate-records --example reload_cost`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for the developer's terminal")]

use gate_records::{Compiler, EnvironmentPolicy, ProxyRecord};
use gate_store::{Change, Store};
use serde_json::json;
use std::time::Instant;

/// That of the real thing: it counts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROXIES: usize = 10_000;
const ROUNDS: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).await.unwrap();
    let changes: Vec<Change> = (0..PROXIES).map(insert).collect();
    let started = Instant::now();
    store.apply(&changes).await.unwrap();
    println!("{PROXIES} proxies written in {:?}", started.elapsed());

    let mut compiler = Compiler::new(EnvironmentPolicy::with_reader([], |_| Some("value".to_owned())));
    for round in 0..ROUNDS {
        let started = Instant::now();
        let rows = store.proxies().await.unwrap();
        let read = started.elapsed();
        let compiled = compiler.compile(rows);
        let total = started.elapsed();
        assert_eq!(compiled.snapshot.routes().proxies().len(), PROXIES);
        let which = if round == 0 { "first load" } else { "reload" };
        println!("{which}: read in {read:?}, read and compiled in {total:?}");
    }
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
