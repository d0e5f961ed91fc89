//! Who may pass a proxy.

use crate::world::{Caller, RECORDS, World};
use gate_rules::{ACCESS_RULE_CHARS_MAX, AccessRule, Context, Value};
use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

#[track_caller]
fn allows(rule: &str) -> [bool; 3] {
    let rule = AccessRule::compile(rule).unwrap_or_else(|error| panic!("{rule}: {error}"));
    let [guest, user] = [Caller::Guest, Caller::User].map(|caller| World::new(caller, RECORDS[0]));
    [rule.allows(false, &guest), rule.allows(false, &user), rule.allows(true, &user)]
}

/// Who passes: guest, user, superuser.
#[track_caller]
fn check(rule: &str, guest: bool, user: bool, superuser: bool) {
    assert_eq!(allows(rule), [guest, user, superuser], "{rule:?}");
}

#[track_caller]
fn refuses(rule: &str, problem: &str) {
    let error = AccessRule::compile(rule).expect_err(rule);
    assert!(error.problem().contains(problem), "{rule}: {error}");
}

#[test]
fn special_values_are_compared_after_trimming() {
    for (text, guest, user, superuser) in [
        ("", false, false, true),
        (" \t\r\n ", false, false, true),
        ("true", true, true, true),
        (" true\n", true, true, true),
        ("false", false, false, false),
        ("\tfalse ", false, false, false),
    ] {
        check(text, guest, user, superuser);
    }
    refuses("True", "expected an operator");
    refuses("null", "expected an operator");
}

#[test]
fn h1_a_rule_admits_whom_it_names_and_no_one_else() {
    check("@request.auth.role = 'admin'", false, true, true);
    check("@request.auth.role = 'owner'", false, false, true);
    check("@request.auth.id = 'u1'", false, true, true);
    check("@request.auth.id = 'u2'", false, false, true);
    refuses("role = 'admin'", "unknown field");
    refuses("@request.auth.id", "expected an operator");
}

#[test]
fn h2_every_part_of_a_rule_counts() {
    check("@request.auth.id != '' && @request.auth.role = 'owner'", false, false, true);
    check("@request.auth.id = 'u2' || @request.headers.x_none != ''", false, false, true);
    check("@request.headers.x_rule = \"@request.auth.id != ''\"", false, true, true);
    check("@request.headers.x_none = \"@request.auth.id != ''\"", false, false, true);
}

#[test]
fn h3_spacing_and_quotes_change_nothing() {
    for rule in [
        "@request.auth.id != ''",
        "@request.auth.id!=''",
        "@request.auth.id != \"\"",
        "  @request.auth.id   !=   ''  ",
        "(@request.auth.id != '')",
        "@request.auth.id\n!= '' // signed in",
    ] {
        check(rule, false, true, true);
    }
}

#[test]
fn h4_a_rule_can_tell_collections_apart() {
    check("@request.auth.collectionName = 'users'", false, true, true);
    check("@request.auth.collectionName = 'staff'", false, false, true);
}

#[test]
fn h6_superusers_pass_every_rule_but_false() {
    check("@request.auth.id = ''", true, false, true);
    check("1 = 2", false, false, true);
    check("false", false, false, false);
}

#[test]
fn a_guest_is_not_what_a_rule_excludes() {
    check("@request.auth.role != 'banned'", true, true, true);
    check("@request.auth.role !~ 'banned'", false, true, true);
    check("@request.auth.verified != true", true, false, true);
}

#[test]
fn d20_four_fields_of_the_proxy_can_be_asked_about() {
    for rule in ["path = '/x'", "upstream ~ 'x'", "timeout > 5", "maxConcurrent = 0"] {
        assert!(AccessRule::compile(rule).is_ok(), "{rule}");
    }
    for rule in ["headers ~ 'x'", "active = true", "id = 'x'", "accessRule = ''"] {
        refuses(rule, "unknown field");
    }
}

#[test]
fn what_would_need_a_body_or_other_records_is_refused() {
    refuses("@request.body.x = 1", "@request.body cannot be used here");
    refuses("@request.body.x:isset = true", "@request.body cannot be used here");
    refuses("@collection.users.id = 1", "@collection is not supported");
    refuses("@request.auth.team.name = 'x'", "goes deeper than one name");
    refuses("@nowhere = 1", "unknown macro");
    refuses("upper(path) = 1", "unknown function");
    refuses("path:upper = 1", "unknown modifier");
}

#[test]
fn length_is_counted_in_characters() {
    let rule = |length: usize| format!("path = '{}'", "é".repeat(length - 9));
    // Bytes have a limit of their own.
    refuses(&rule(ACCESS_RULE_CHARS_MAX), "longer than 3500 bytes");
    refuses(&rule(ACCESS_RULE_CHARS_MAX + 1), "longer than 2000 characters");
    let ascii = format!("path = '{}'", "e".repeat(ACCESS_RULE_CHARS_MAX - 9));
    assert!(AccessRule::compile(&ascii).is_ok());
}

#[test]
fn the_examples_of_the_guide_are_rules() {
    let guide = include_str!("../../../../docs/guide/rules.md");
    let examples: Vec<_> = guide.split("```").nth(1).unwrap().trim().lines().collect();
    assert!(examples.len() > 5, "{examples:?}");
    for example in examples {
        assert!(AccessRule::compile(example).is_ok(), "{example}");
    }
}

/// Everything is an odd value.
struct Odd;

impl Context for Odd {
    fn method(&self) -> &'static str {
        ""
    }

    fn auth(&self, name: &str) -> Value<'_> {
        match name {
            "nan" => Value::Number(f64::NAN),
            "infinite" => Value::Number(f64::INFINITY),
            _ => Value::Json("{broken".into()),
        }
    }

    fn header(&self, _: &str) -> Option<Cow<'_, str>> {
        Some("%".repeat(60_000).into())
    }

    fn query(&self, _: &str) -> Option<Cow<'_, str>> {
        Some("\u{10ffff}\\".into())
    }

    fn field(&self, _: &str) -> Value<'_> {
        Value::Json("[[[".into())
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH - std::time::Duration::from_secs(5)
    }
}

#[test]
fn odd_values_deny() {
    for rule in [
        "@request.auth.x:each ?= 'x'",
        "@request.auth.x > 0",
        "@request.auth.x ~ 'broken'",
        "@request.auth.nan >= 0",
        "@request.auth.nan = @request.auth.infinite",
        "'x' ~ @request.headers.x",
        "geoDistance(@request.auth.infinite, 0, 0, 0) < 1",
        "@now < '1970'",
        "timeout > 5",
    ] {
        assert!(!AccessRule::compile(rule).unwrap().allows(false, &Odd), "{rule}");
    }
}
