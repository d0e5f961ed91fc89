//! Rules made by chance have the same answer in memory and in SQLite.

use crate::generator::{self, Asked, Choice, Request};
use crate::sqlite_records;
use crate::world::SCOPE;
use gate_rules::Rule;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// Rules in every run of the suite.
const RULES: usize = 4000;

/// Rules in the long runs.
const RULES_LONG: usize = 1_000_000;

/// Rules that are asked about the same records.
const RULES_PER_WORLD: usize = 500;

#[tokio::test]
async fn rules_made_by_chance_have_one_answer() {
    compare(RULES).await;
}

#[tokio::test]
#[ignore = "long: a million rules"]
async fn a_million_rules_made_by_chance_have_one_answer() {
    compare(RULES_LONG).await;
}

async fn compare(rules: usize) {
    let mut chance = Chance::new();
    let pool = sqlite_records::create().await;
    for _ in 0..rules / RULES_PER_WORLD {
        let records: Vec<_> = ('a'..='p').map(|id| generator::record(&mut chance, id)).collect();
        sqlite_records::replace(&pool, &records).await;
        for _ in 0..RULES_PER_WORLD {
            let request = Request::make(&mut chance);
            let text = generator::rule(&mut chance);
            let rule = Rule::compile(&text, &SCOPE).unwrap_or_else(|error| panic!("{text}: {error}"));
            let found =
                sqlite_records::matches(&pool, &rule, &Asked { request: &request, record: &records[0] })
                    .await;
            let found = found.unwrap_or_else(|error| panic!("{text}: {error}"));
            for record in &records {
                let holds = rule.evaluate(&Asked { request: &request, record });
                assert_eq!(found.contains(record.id), holds, "{text}\n{request:?}\n{record:?}");
            }
        }
    }
}

/// Chance with the seed of this run.
pub(crate) struct Chance(SmallRng);

impl Chance {
    pub(crate) fn new() -> Self {
        Chance(SmallRng::seed_from_u64(gate_testkit::seed()))
    }
}

impl Choice for Chance {
    fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }
}
