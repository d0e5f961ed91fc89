//! Which orders can be asked for.

use crate::world::SCOPE;
use gate_rules::{Dialect, SORT_KEY_CHARS_MAX, SORT_KEYS_MAX, sort_keys};

#[track_caller]
fn check(text: &str, sqlite: &str, postgres: &str) {
    let sql = |dialect| {
        let keys = sort_keys(text, &SCOPE).unwrap_or_else(|error| panic!("{text}: {error}"));
        keys.iter().map(|key| key.to_sql(dialect)).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(sql(Dialect::Sqlite), sqlite);
    assert_eq!(sql(Dialect::Postgres), postgres);
}

#[track_caller]
fn refuses(text: &str, column: usize, problem: &str) {
    let error = sort_keys(text, &SCOPE).expect_err(text);
    assert!(error.problem().contains(problem), "{text}: {error}");
    assert_eq!(error.column(), column, "{text}: {error}");
}

#[test]
fn keys_have_a_direction_and_the_text_order_of_bytes() {
    check("", "", "");
    check("  ", "", "");
    check("t", r#""t" ASC"#, r#""t" COLLATE "C" ASC NULLS FIRST"#);
    check("-n", r#""n" DESC"#, r#""n"::double precision DESC NULLS LAST"#);
    check("+t, -@random,@rowid", r#""t" ASC; RANDOM() DESC; "rowid" ASC"#, {
        r#""t" COLLATE "C" ASC NULLS FIRST; RANDOM() DESC NULLS LAST; "rowid" ASC NULLS FIRST"#
    });
}

#[test]
fn only_fields_can_be_sorted_by() {
    refuses("nope", 1, "unknown field \"nope\"");
    refuses("t,nope", 3, "unknown field");
    refuses("t,", 3, "\"\" is not a name");
    refuses("--t", 1, "\"-t\" is not a name");
    refuses("t;DROP", 1, "is not a name");
    refuses("t desc", 1, "is not a name");
    refuses("j.\"", 1, "is not a name");
    refuses("j.'", 1, "is not a name");
    refuses("@now", 1, "nothing can be sorted by");
    refuses("@request.auth.id", 1, "nothing can be sorted by");
    refuses("@collection.x.y", 1, "not supported");
    refuses("true", 1, "nothing can be sorted by");
    refuses("m:each", 1, "nothing can be sorted by");
    refuses("t:each", 1, "cannot be used with");
}

#[test]
fn the_limits_of_a_sort_are_exact() {
    let keys = |count: usize| vec!["t"; count].join(",");
    assert_eq!(sort_keys(&keys(SORT_KEYS_MAX), &SCOPE).unwrap().len(), SORT_KEYS_MAX);
    refuses(&keys(SORT_KEYS_MAX + 1), 2 * SORT_KEYS_MAX + 1, "more than 8 sort keys");
    let long = format!("j.{}", "x".repeat(SORT_KEY_CHARS_MAX - 2));
    assert!(sort_keys(&long, &SCOPE).is_ok());
    refuses(&format!("{long}x"), 1, "longer than 255 characters");
}
