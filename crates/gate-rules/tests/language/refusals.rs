//! What is refused, where, and in what words.

use crate::world::SCOPE;
use gate_rules::{COMPARISONS_MAX, FILTER_BYTES_MAX, NESTING_MAX, Rule};

#[track_caller]
fn check(rule: &str, column: usize, problem: &str) {
    match Rule::compile(rule, &SCOPE) {
        Ok(_) => panic!("accepted {rule:?}"),
        Err(error) => {
            assert!(error.problem().contains(problem), "{rule:?}: {error}");
            assert_eq!(error.column(), column, "{rule:?}: {error}");
            assert_eq!(error.to_string(), format!("{} (column {column})", error.problem()));
        }
    }
}

#[test]
fn an_incomplete_text_is_refused() {
    check("", 1, "expected a field, a value or an opening parenthesis, found the end");
    check("  // nothing", 13, "found the end");
    check("t", 2, "expected an operator such as = or ~, found the end");
    check("t =", 4, "expected a field or a value, found the end");
    check("= 'x'", 1, "expected a field, a value or an opening parenthesis, found =");
    check("t = 'x' &&", 11, "found the end");
    check("t = 'x' ||", 11, "found the end");
    check("&& t = 'x'", 1, "found &&");
    check("t = 'x' && || t = 'y'", 12, "found ||");
    check("true", 5, "expected an operator");
    check("t = 'x", 5, "the quoted text is not closed");
    check(r"t = 'x\'", 5, "the quoted text is not closed");
    check(r"t = 'a\\'", 5, "the quoted text is not closed");
}

#[test]
fn parentheses_hold_whole_filters_and_are_balanced() {
    check("(t = 'x'", 1, "this parenthesis is never closed");
    check("((t = 'x')", 1, "this parenthesis is never closed");
    check("t = 'x')", 8, "this parenthesis was never opened");
    check("()", 2, "expected a field, a value or an opening parenthesis, found )");
    check("t = (n = 1)", 5, "expected a field or a value, found (");
    check("(t) = 'x'", 3, "expected an operator");
}

#[test]
fn comparisons_need_a_join() {
    check("(t = 'x')(n = 1)", 10, "expected && or ||, found (");
    check("t = 'x' (n = 1)", 9, "expected && or ||, found (");
    check("t = 'x' n = 1", 9, "expected && or ||, found n");
    check("t = 'x' = 'y'", 9, "expected && or ||, found =");
    check("t = 'x' & n = 1", 9, "expected && or ||, found \"&\"");
    check("t = 'x' ||| n = 1", 9, "expected && or ||, found \"|||\"");
    check("t = 'x' and n = 1", 9, "expected && or ||, found and");
    check("(t = 'x' n = 1)", 10, "expected &&, || or a closing parenthesis, found n");
}

#[test]
fn words_that_no_grammar_has_are_refused() {
    check("t == 'x'", 3, "unknown operator \"==\"");
    check("t =! 'x'", 3, "unknown operator \"=!\"");
    check("t ?? 'x'", 3, "unknown operator");
    check("t <> 'x'", 3, "unknown operator");
    check("!t = 'x'", 1, "unknown operator \"!\"");
    check("t = 5.", 5, "\"5.\" is not a number");
    check("t = .5", 5, "unexpected character '.'");
    check("t = 1e5", 5, "is not a number");
    check("t = 1.2.3", 5, "is not a number");
    check("t = 5abc", 5, "is not a number");
    check("t = -", 5, "is not a number");
    check("t = --5", 5, "is not a number");
    check(&format!("n = {}", "9".repeat(400)), 5, "is not a number");
    check("t = `x`", 5, "unexpected character '`'");
    check("t = 'x'; drop", 8, "unexpected character ';'");
    check("t = 'x'\r\n", 8, "unexpected character '\\r'");
    check("t = 'x'\0", 8, "NUL is not allowed");
    check("t = 'a\0b'", 7, "NUL is not allowed");
    check("naïve = 1", 3, "unexpected character 'ï'");
    check("日本 = 1", 1, "unexpected character '日'");
    check("t = 'é' && ü = 1", 12, "unexpected character 'ü'");
    check("t = 'a''b'", 5, "expected a space or an operator");
    check("t = 'a'b", 5, "expected a space or an operator");
    check("t'x' = 1", 1, "expected a space or an operator");
    check("@ = 1", 1, "is not a complete name");
    check("t. = 1", 1, "is not a complete name");
    check("t: = 1", 1, "is not a complete name");
    check("j..s = 1", 1, "is not a complete name");
    check("@request.auth.:lower = 1", 1, "is not a complete name");
    check("t-u = 1", 2, "is not a number");
    check("@request.headers.x-api-key = 1", 19, "is not a number");
}

#[test]
fn unknown_names_are_refused() {
    check("role = 'admin'", 1, "unknown field \"role\"");
    check("t = 'x' && role = 'admin'", 12, "unknown field \"role\"");
    check("t = role", 5, "unknown field \"role\"");
    check("T = 'x'", 1, "unknown field \"T\"");
    check("nul = 'x'", 1, "unknown field \"nul\"");
    check("#t = 'x'", 1, "unknown field \"#t\"");
    check("t.x = 'x'", 1, "nothing lies below the field \"t\"");
    check("m.0 = 'x'", 1, "nothing lies below the field \"m\"");
    check("@nowhere > 1", 1, "unknown macro \"@nowhere\"");
    check("@Now > 1", 1, "unknown macro \"@Now\"");
    check("@now:lower > 1", 1, "takes no modifier");
    check("@request > 1", 1, "unknown macro \"@request\"");
    check("@request.x > 1", 1, "unknown name \"@request.x\"");
    check("@request.auth > 1", 1, "unknown name \"@request.auth\"");
    check("@request.method.x > 1", 1, "unknown name");
    check("@request.data.x > 1", 1, "unknown name");
    check("@Request.method = 1", 1, "unknown field");
    check("@collection.users.id = 1", 1, "@collection is not supported");
    check("@request.auth.team.name = 1", 1, "goes deeper than one name");
    check("@request.query.a.b = 1", 1, "goes deeper than one name");
    check("@request.headers.a.b = 1", 1, "goes deeper than one name");
    check("true:lower = 1", 1, "unknown field \"true\"");
}

#[test]
fn d19_the_password_and_the_token_key_are_read_by_no_rule() {
    check("@request.auth.tokenKey = 'x'", 1, "cannot be read");
    check("@request.auth.password ~ '$2a'", 1, "cannot be read");
    check("@request.auth.password:lower ~ '$2a'", 1, "cannot be read");
    check("n = 1 || 'x' < @request.auth.tokenKey", 16, "cannot be read");
    let fields = [("tokenKey", gate_rules::FieldKind::Text), ("password", gate_rules::FieldKind::Text)];
    for name in ["tokenKey", "password"] {
        assert!(Rule::compile(&format!("{name} ~ 'a'"), &gate_rules::Scope::new(&fields)).is_err());
    }
}

#[test]
fn modifiers_and_functions_stand_where_they_mean_something() {
    check("t:upper = 'x'", 1, "unknown modifier \":upper\"");
    check("t:each = 'x'", 1, "the modifier :each cannot be used with \"t\"");
    check("t:length = 1", 1, "the modifier :length cannot be used with \"t\"");
    check("t:isset = true", 1, "the modifier :isset cannot be used with \"t\"");
    check("@request.auth.id:isset = true", 1, "the modifier :isset cannot be used");
    check("@request.query.x:each = 'x'", 1, "the modifier :each cannot be used");
    check("@request.query.x:changed = true", 1, "the modifier :changed cannot be used");
    check("@request.body.nope:changed = true", 1, "unknown field \"nope\"");
    check("m:each:lower = 'x'", 1, "unknown modifier \":each:lower\"");
    check("lower(t) = 'x'", 1, "unknown function \"lower\"");
    check("geoDistance(1, 2, 3) < 5", 1, "geoDistance takes 4 arguments, found 3");
    check("geoDistance(1, 2, 3, 'x') < 5", 1, "geoDistance takes numbers and @request values");
    check("geoDistance(1, 2, 3, n) < 5", 1, "geoDistance takes numbers and @request values");
    check("geoDistance() < 5", 13, "expected an argument, found )");
    check("geoDistance(1 2, 3, 4) < 5", 15, "expected a comma or a closing parenthesis, found 2");
    check("geoDistance(1, 2, 3, 4 < 5", 24, "expected a comma or a closing parenthesis");
    check("geoDistance (1, 2, 3, 4) < 5", 1, "unknown field \"geoDistance\"");
}

#[test]
fn literals_that_look_like_names_give_way_to_fields() {
    let fields = [("null", gate_rules::FieldKind::Text), ("True", gate_rules::FieldKind::Number)];
    let scope = gate_rules::Scope::new(&fields);
    assert!(Rule::compile("null = 'x' && True = 5 && null:lower = 'x'", &scope).is_ok());
}

#[test]
fn limits_are_exact() {
    let terms = |count: usize| vec!["n=1"; count].join("||");
    assert!(Rule::compile(&terms(COMPARISONS_MAX), &SCOPE).is_ok());
    check(&terms(COMPARISONS_MAX + 1), 5 * COMPARISONS_MAX + 1, "there are more than 200 comparisons");

    let nested = |depth: usize| format!("{}n=1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Rule::compile(&nested(NESTING_MAX), &SCOPE).is_ok());
    check(&nested(NESTING_MAX + 1), NESTING_MAX + 1, "nested more than 50 deep");
    check(&"(".repeat(FILTER_BYTES_MAX), NESTING_MAX + 1, "nested more than 50 deep");

    let long = |bytes: usize| format!("t='{}'", "x".repeat(bytes - 4));
    assert!(Rule::compile(&long(FILTER_BYTES_MAX), &SCOPE).is_ok());
    check(&long(FILTER_BYTES_MAX + 1), FILTER_BYTES_MAX + 1, "longer than 3500 bytes");
}
