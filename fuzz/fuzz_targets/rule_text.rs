//! No text makes the reader of rules panic; what it takes is answered in memory and as SQL, and what it refuses is
//! refused at a place in the text.
#![no_main]

#[allow(dead_code, reason = "shared with the tests of the rules")]
#[path = "../../crates/gate-rules/tests/language/world.rs"]
mod world;

use gate_rules::{AccessRule, Condition, Dialect, PLACEHOLDER, Rule, sort_keys};
use libfuzzer_sys::fuzz_target;
use world::{Caller, RECORDS, SCOPE, World};

fuzz_target!(|text: &str| {
    match Rule::compile(text, &SCOPE) {
        Ok(rule) => ask(&rule),
        Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.column()), "{error}"),
    }
    let guest = World::new(Caller::Guest, RECORDS[0]);
    if let Ok(rule) = AccessRule::compile(text) {
        assert!(!rule.allows(false, &guest) || rule.allows(true, &guest), "superusers pass what guests pass");
    }
    for key in sort_keys(text, &SCOPE).unwrap_or_default() {
        assert!(!key.to_sql(Dialect::Postgres).contains(';'));
    }
});

fn ask(rule: &Rule) {
    for caller in [Caller::User, Caller::Guest] {
        for record in RECORDS {
            let world = World::new(caller, record);
            assert_eq!(rule.explain(&world).holds, rule.evaluate(&world));
        }
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let Condition { sql, parameters } = rule.to_sql(dialect, &World::new(caller, RECORDS[0]));
            assert_eq!(sql.matches(PLACEHOLDER).count(), parameters.len(), "{sql}");
        }
    }
}
