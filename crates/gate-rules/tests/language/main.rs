//! The language as a whole: what rules mean, and what is refused.

#![expect(clippy::expect_used, clippy::panic, reason = "a test: a surprise is a failure")]

mod access_rules;
mod cases;
mod evaluator;
mod refusals;
mod world;
