//! The language as a whole: what rules mean, and what is refused.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: a surprise is a failure"
)]

mod access_rules;
mod cases;
mod conditions;
mod evaluator;
mod generated;
mod generator;
mod postgres;
mod refusals;
mod sorting;
mod sqlite;
mod sqlite_records;
mod statement;
mod world;
