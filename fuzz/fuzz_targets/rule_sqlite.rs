//! A rule has the same answer in memory and in SQLite.
#![no_main]

#[allow(dead_code, reason = "shared with the tests of the rules")]
#[path = "../../crates/gate-rules/tests/language/generator.rs"]
mod generator;
#[allow(dead_code, reason = "shared with the tests of the rules")]
#[path = "../../crates/gate-rules/tests/language/sqlite_records.rs"]
mod sqlite_records;
#[allow(dead_code, reason = "shared with the tests of the rules")]
#[path = "../../crates/gate-rules/tests/language/statement.rs"]
mod statement;
#[allow(dead_code, reason = "shared with the tests of the rules")]
#[path = "../../crates/gate-rules/tests/language/world.rs"]
mod world;

use gate_rules::Rule;
use generator::{Asked, Choice, Request};
use libfuzzer_sys::fuzz_target;
use sqlx::SqlitePool;
use std::sync::LazyLock;
use tokio::runtime::{Builder, Runtime};
use world::SCOPE;

/// One database for all runs, and what drives it.
static DATABASE: LazyLock<(Runtime, SqlitePool)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let pool = runtime.block_on(sqlite_records::create());
    (runtime, pool)
});

fuzz_target!(|bytes: &[u8]| {
    let (runtime, pool) = &*DATABASE;
    runtime.block_on(compare(&mut Bytes(bytes), pool));
});

async fn compare(bytes: &mut Bytes<'_>, pool: &SqlitePool) {
    let text = generator::rule(bytes);
    let request = Request::make(bytes);
    let records: Vec<_> = ('a'..='d').map(|id| generator::record(bytes, id)).collect();
    let rule = Rule::compile(&text, &SCOPE).unwrap();
    sqlite_records::replace(pool, &records).await;
    let context = Asked { request: &request, record: &records[0] };
    let found = sqlite_records::matches(pool, &rule, &context).await.unwrap();
    for record in &records {
        let holds = rule.evaluate(&Asked { request: &request, record });
        assert_eq!(found.contains(record.id), holds, "{text}\n{request:?}\n{record:?}");
    }
}

/// Every byte decides something; behind the last one, the first choice is taken.
struct Bytes<'a>(&'a [u8]);

impl Choice for Bytes<'_> {
    fn below(&mut self, count: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % count
    }
}
