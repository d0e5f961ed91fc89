//! One table of cases for the evaluator and both databases.
//!
//! A case is a rule and the records it holds for; `ALL` and `NONE` where the records do not matter. The rows of each file stand
//! in the order of contract §2.

mod equality;
mod grammar;
mod json;
mod many;
mod order;
mod patterns;
mod requests;

use crate::world::Caller;

/// A rule and the records it holds for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) caller: Caller,
    pub(crate) rule: &'static str,
    pub(crate) matches: &'static str,
}

const ALL: &str = "abcdefgh";
const NONE: &str = "";

type Rows = &'static [(&'static str, &'static str)];

const TABLES: [(Caller, Rows); 11] = [
    (Caller::User, equality::USER),
    (Caller::Guest, equality::GUEST),
    (Caller::User, grammar::USER),
    (Caller::User, json::USER),
    (Caller::User, many::USER),
    (Caller::Guest, many::GUEST),
    (Caller::User, order::USER),
    (Caller::Guest, order::GUEST),
    (Caller::User, patterns::USER),
    (Caller::User, requests::USER),
    (Caller::Guest, requests::GUEST),
];

/// Where a database and the table of cases do not agree.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    lines: Vec<String>,
}

impl Differences {
    pub(crate) fn compare(&mut self, case: Case, found: &Result<String, String>) {
        if found.as_deref() != Ok(case.matches) {
            self.lines.push(format!("{:?} {} → {found:?}, not {:?}", case.caller, case.rule, case.matches));
        }
    }

    #[track_caller]
    pub(crate) fn check(&self) {
        let lines = &self.lines;
        assert!(lines.is_empty(), "{} of {}:\n{}", lines.len(), all().count(), lines.join("\n"));
    }
}

/// Every case.
pub(crate) fn all() -> impl Iterator<Item = Case> {
    TABLES
        .into_iter()
        .flat_map(|(caller, rows)| rows.iter().map(move |(rule, matches)| Case { caller, rule, matches }))
}
