//! What conditions look like.

use crate::world::{Caller, RECORDS, SCOPE, World};
use gate_rules::{COMPARISONS_MAX, Dialect, NESTING_MAX, PLACEHOLDER, Parameter, Rule};

/// Rules that have the longest and deepest conditions of all.
pub(crate) fn largest() -> Vec<Rule> {
    let nested = |rule: &str| format!("{}{rule}{}", "(".repeat(NESTING_MAX), ")".repeat(NESTING_MAX));
    let comparisons =
        ["j.s=j.n", "j.s!=j.n", "j.s>=j.n", "j.s!~j.n", "m:each=m:each", "t!~@request.body.none:each"];
    let mut rules: Vec<String> = comparisons
        .iter()
        .map(|rule| nested(&vec![*rule; COMPARISONS_MAX.min(3300 / (rule.len() + 2))].join("&&")))
        .collect();
    rules.push(comparisons.iter().fold("n=1".to_owned(), |rule, next| format!("({rule}||{next})&&{next}")));
    let compile = |rule: &String| Rule::compile(rule, &SCOPE).expect(rule);
    rules.iter().map(compile).collect()
}

#[track_caller]
fn check(rule: &str, dialect: Dialect, sql: &str, parameters: &[Parameter]) {
    let condition =
        Rule::compile(rule, &SCOPE).expect(rule).to_sql(dialect, &World::new(Caller::User, RECORDS[0]));
    assert_eq!(condition.sql.replace(PLACEHOLDER, "?"), sql, "{rule}");
    assert_eq!(condition.parameters, parameters, "{rule}");
}

fn text(text: &str) -> Parameter {
    Parameter::Text(text.to_owned())
}

#[test]
fn a_column_beside_a_value_is_compared_as_an_index_can() {
    check("t = 'x'", Dialect::Sqlite, r#"(("t" = ?))"#, &[text("x")]);
    check("t = 'x'", Dialect::Postgres, r#"(("t" COLLATE "C" = ?))"#, &[text("x")]);
    check("n >= '5'", Dialect::Sqlite, r#"((? <= "n"))"#, &[Parameter::Number(5.0)]);
}

#[test]
fn values_are_bound_and_what_the_record_does_not_decide_is_decided() {
    let injection = r"'; DROP TABLE records; --";
    let rule = format!("t = \"{injection}\" || @request.method = 'GET'");
    check(&rule, Dialect::Sqlite, r#"((("t" = ?)) OR FALSE)"#, &[text(injection)]);
    check("t ~ @request.query.name", Dialect::Sqlite, r#"("t" LIKE ? ESCAPE '\')"#, &[text("%alpha%")]);
    check("t ~ @request.headers.none", Dialect::Sqlite, "(FALSE)", &[]);
    check("@request.auth.role = 'admin'", Dialect::Postgres, "TRUE", &[]);
}

#[test]
fn a_condition_shows_no_values() {
    let rule = Rule::compile("t = 'secret' && n = 4711", &SCOPE).unwrap();
    let shown = format!("{:?}", rule.to_sql(Dialect::Sqlite, &World::new(Caller::Guest, RECORDS[0])));
    assert!(!shown.contains("secret") && !shown.contains("4711"), "{shown}");
}
