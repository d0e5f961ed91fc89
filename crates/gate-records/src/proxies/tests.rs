//! Every field of a proxy: what it takes, what it says when it does not, and what is stored.

use crate::secrets::ResolvedSecrets;
use crate::{EnvironmentPolicy, FieldErrors, ProxyRecord};
use gate_store::ProxyRow;
use serde_json::{Map, Value, json};

fn fields(value: Value) -> Map<String, Value> {
    let Value::Object(fields) = value else { panic!("fields are an object") };
    fields
}

/// What a person types who creates a proxy: the two fields it needs, and these.
fn typed(value: Value) -> Result<ProxyRecord, FieldErrors> {
    let mut record =
        ProxyRecord { path: "/-/a".to_owned(), upstream: "http://a".to_owned(), ..ProxyRecord::default() };
    record.merge(fields(value)).map(|()| record)
}

fn stored(value: Value) -> ProxyRow {
    typed(value).unwrap().check().unwrap().new_row()
}

fn errors(value: Value) -> FieldErrors {
    typed(value).and_then(ProxyRecord::check).map(drop).unwrap_err()
}

/// The field is refused with this code, and it alone.
#[expect(clippy::needless_pass_by_value, reason = "reads better at every call")]
#[track_caller]
fn refused(field: &str, value: Value, code: &str) {
    let errors = errors(json!({ field: value.clone() }));
    let found: Vec<_> = errors.iter().map(|(field, error)| (field, error.code)).collect();
    assert_eq!(found, [(field.to_owned(), code)], "{field}: {value}");
}

#[expect(clippy::needless_pass_by_value, reason = "reads better at every call")]
#[track_caller]
fn accepted(field: &str, value: Value) {
    let record = typed(json!({ field: value.clone() })).unwrap();
    if let Err(errors) = record.check() {
        panic!("{field}: {value}: {errors}");
    }
}

#[test]
fn d2_fields_nobody_mentions_have_their_defaults() {
    let row = stored(json!({}));
    assert_eq!((row.active, row.strip_path, row.timeout), (true, true, 30.0));
    assert_eq!(
        (row.max_concurrent, row.forward_auth, row.forward_encoding, row.forward_preflight),
        (0, false, false, false)
    );
    assert_eq!((&*row.access_rule, &*row.name, &*row.description), ("", "", ""));
    assert_eq!((row.headers, row.timeout_config, row.circuit_breaker), (None, None, None));
}

#[test]
fn d2_explicit_false_and_zero_are_kept() {
    let row = stored(json!({"active": false, "stripPath": false, "timeout": 0}));
    assert_eq!((row.active, row.strip_path, row.timeout), (false, false, 0.0));
}

#[test]
fn null_puts_a_field_back_to_its_default() {
    let mut record =
        typed(json!({"active": false, "timeout": 5, "name": "x", "headers": {"A": "b"}})).unwrap();
    record.merge(fields(json!({"active": null, "timeout": null, "name": null, "headers": null}))).unwrap();
    assert_eq!(record, typed(json!({})).unwrap());
}

#[test]
fn a_merge_leaves_the_other_fields_alone() {
    let mut record = typed(json!({"name": "x", "timeout": 5})).unwrap();
    record.merge(fields(json!({"timeout": 6}))).unwrap();
    assert_eq!(record, typed(json!({"name": "x", "timeout": 6})).unwrap());
}

#[test]
fn r005_us1_ac2_a_checked_record_becomes_a_row_and_back() {
    let record = typed(json!({
        "path": "/-/openai", "upstream": "https://api.openai.com/v1", "name": "OpenAI", "description": "a\nb",
        "active": false, "stripPath": false, "accessRule": "true", "timeout": 1.5, "maxConcurrent": 10,
        "headers": {"Authorization": "Bearer {env.KEY}"}, "timeoutConfig": {"dial": 3},
        "circuitBreaker": {"enabled": true}, "queueConfig": {"max_waiting": 1}, "limits": {"per_ip": 1},
        "rateLimit": {"requests": 1}, "retryConfig": {"attempts": 1}, "forwardAuth": true, "forwardEncoding": true, "forwardPreflight": true,
    }))
    .unwrap();
    let row = record.clone().check().unwrap().new_row();
    assert_eq!(row.id.len(), 15);
    assert_eq!(row.created, row.updated);
    assert!(ProxyRecord::from_row(&row) == Ok(record));
}

#[test]
fn r005_us4_ac1_a_reserved_path_is_an_error_of_its_field() {
    refused("path", json!("/api/users"), "validation_reserved_path");
    refused("path", json!("/%61pi"), "validation_reserved_path");
    refused("path", json!(""), "validation_required");
    refused("path", json!(5), "validation_invalid_value");
}

#[test]
fn an_upstream_at_an_address_that_none_may_have_is_refused_where_it_is_typed() {
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:169.254.169.254]",
        "http://[fe80::1]",
        "http://[fd00:ec2::254]",
        "http://100.100.100.200",
        "http://0.0.0.0:8090",
        "http://[::]",
        "http://2130706433",
        "http://0x7f.1",
        "http://0177.0.0.1",
        "http://127.1",
        "http://a\\@b",
    ] {
        refused("upstream", json!(url), "validation_invalid_url");
    }
    let errors = errors(json!({"upstream": "http://169.254.169.254"}));
    let messages: Vec<_> = errors.iter().map(|(_, error)| error.message.as_str()).collect();
    assert_eq!(messages, ["Must be a valid url: it is a link-local address."]);
}

#[test]
fn h27_an_upstream_is_an_absolute_http_url_and_nothing_more() {
    for url in ["http://a", "https://a:8443/v1/", " https://a ", "http://[::1]:1"] {
        accepted("upstream", json!(url));
    }
    assert_eq!(stored(json!({"upstream": " https://a/v1/ "})).upstream, "https://a/v1/");
    for url in ["a", "ftp://a", "ws://a", "http://", "http://u:p@a", "http://a?b", "http://a#b", "http://a b"]
    {
        refused("upstream", json!(url), "validation_invalid_url");
    }
    refused("upstream", json!(" "), "validation_required");
    refused("upstream", json!(format!("http://a/{}", "b".repeat(2000))), "validation_max_text_constraint");
}

#[test]
fn names_and_descriptions_have_a_length() {
    accepted("name", json!("ü".repeat(100)));
    refused("name", json!("ü".repeat(101)), "validation_max_text_constraint");
    refused("name", json!("a\nb"), "validation_invalid_format");
    accepted("description", json!("ü".repeat(500)));
    accepted("description", json!("a\nb"));
    refused("description", json!("ü".repeat(501)), "validation_max_text_constraint");
    assert_eq!(stored(json!({"name": " a "})).name, "a");
}

#[test]
fn access_rules_are_trimmed_and_compiled() {
    let member = "@request.auth.id != ''";
    for (typed, kept) in [
        ("", ""),
        ("  ", ""),
        ("true", "true"),
        (" true ", "true"),
        ("\tfalse\n", "false"),
        (member, member),
        ("\n@request.auth.id != '' ", member),
    ] {
        assert_eq!(stored(json!({ "accessRule": typed })).access_rule, kept);
    }
    // YAML reads an unquoted `true` as a boolean.
    assert_eq!(stored(json!({"accessRule": true})).access_rule, "true");
    for rule in [
        "TRUE",
        "'true'",
        "@request.auth.id !=",
        "true || true",
        "1",
        "role = 'admin'",
        "@request.body.a = 1",
    ] {
        refused("accessRule", json!(rule), "validation_invalid_rule");
    }
    refused("accessRule", json!(" ".repeat(2001)), "validation_max_text_constraint");
    let message = &errors(json!({"accessRule": "x"})).field("accessRule").unwrap().message.clone();
    assert!(message.starts_with("Invalid rule. Raw error: "), "{message}");
}

#[test]
fn d6_timeouts_have_a_range() {
    for seconds in [json!(0), json!(1), json!(1.5), json!(86_400)] {
        accepted("timeout", seconds);
    }
    refused("timeout", json!(-1), "validation_min_number_constraint");
    refused("timeout", json!(0.5), "validation_min_number_constraint");
    refused("timeout", json!(86_401), "validation_max_number_constraint");
    refused("timeout", json!("30"), "validation_invalid_value");
    refused("timeoutConfig", json!({"dial": 61}), "validation_max_number_constraint");
    refused("timeoutConfig", json!({"dail": 1}), "validation_unknown_field");
    refused("timeoutConfig", json!([]), "validation_invalid_json");
}

#[test]
fn r020_fr_008_max_concurrent_is_a_whole_number_and_unlimited_unless_said() {
    assert!(ProxyRecord::default().max_concurrent.abs() < f64::EPSILON);
    for limit in [json!(0), json!(10_000), json!(10.0)] {
        accepted("maxConcurrent", limit);
    }
    refused("maxConcurrent", json!(-1), "validation_min_number_constraint");
    refused("maxConcurrent", json!(10_001), "validation_max_number_constraint");
    refused("maxConcurrent", json!(1.5), "validation_only_int_constraint");
}

#[test]
fn d21_circuit_breakers_have_ranges() {
    accepted("circuitBreaker", json!({}));
    accepted(
        "circuitBreaker",
        json!({"enabled": true, "failure_threshold": 100, "recovery_timeout": 3600, "half_open_requests": 10, "failure_rate": 0.5}),
    );
    for (member, value) in [
        ("failure_threshold", json!(101)),
        ("recovery_timeout", json!(3601)),
        ("half_open_requests", json!(11)),
        ("failure_rate", json!(1.1)),
    ] {
        refused("circuitBreaker", json!({ member: value }), "validation_max_number_constraint");
        let negative = json!({ member: -1 });
        refused("circuitBreaker", negative, "validation_min_number_constraint");
    }
    refused("circuitBreaker", json!({"failure_threshold": 1.5}), "validation_only_int_constraint");
    refused("circuitBreaker", json!({"enabled": "yes"}), "validation_invalid_value");
}

#[test]
fn d27_every_member_has_its_range() {
    let below = "validation_min_number_constraint";
    let above = "validation_max_number_constraint";
    for (field, member, min, max) in [
        ("circuitBreaker", "window", 1.0, 3600.0),
        ("circuitBreaker", "min_requests", 1.0, 100_000.0),
        ("circuitBreaker", "max_recovery_timeout", 1.0, 86_400.0),
        ("queueConfig", "max_waiting", 0.0, 100_000.0),
        ("queueConfig", "timeout", 0.1, 3600.0),
        ("limits", "per_identity", 0.0, 10_000.0),
        ("limits", "per_ip", 0.0, 10_000.0),
        ("rateLimit", "requests", 1.0, 1_000_000.0),
        ("rateLimit", "window", 1.0, 86_400.0),
        ("rateLimit", "burst", 1.0, 1_000_000.0),
        ("retryConfig", "attempts", 0.0, 10.0),
        ("retryConfig", "backoff_ms", 0.0, 60_000.0),
        ("retryConfig", "budget_percent", 1.0, 100.0),
    ] {
        let required = match field {
            "rateLimit" => "requests",
            "retryConfig" => "attempts",
            _ => member,
        };
        let with = |number: f64| json!({ required: 1, member: number });
        accepted(field, with(min));
        accepted(field, with(max));
        refused(field, with(min - 1.0), below);
        refused(field, with(max + 1.0), above);
        refused(field, json!({ required: 1, member: "1" }), "validation_invalid_value");
        let error = errors(json!({ field: with(max + 1.0) })).field(field).unwrap().clone();
        assert_eq!(error.params["member"], member);
    }
}

#[test]
fn d27_members_are_of_their_type() {
    let whole = "validation_only_int_constraint";
    refused("circuitBreaker", json!({"min_requests": 1.5}), whole);
    refused("queueConfig", json!({"max_waiting": 1.5}), whole);
    refused("limits", json!({"per_identity": 1.5}), whole);
    refused("limits", json!({"per_ip": 1.5}), whole);
    refused("rateLimit", json!({"requests": 1.5}), whole);
    refused("rateLimit", json!({"requests": 1, "burst": 1.5}), whole);
    refused("retryConfig", json!({"attempts": 1.5}), whole);
    refused("retryConfig", json!({"attempts": 1, "backoff_ms": 1.5}), whole);
    refused("retryConfig", json!({"attempts": 1, "budget_percent": 1.5}), whole);
    let value = "validation_invalid_value";
    for (field, member) in [
        ("queueConfig", "per_identity"),
        ("queueConfig", "dry_run"),
        ("limits", "dry_run"),
        ("rateLimit", "dry_run"),
        ("retryConfig", "retry_unsafe"),
    ] {
        refused(field, json!({ member: 1 }), value);
    }
    refused("rateLimit", json!({"requests": 1, "by": "user"}), value);
    refused("retryConfig", json!({"attempts": 1, "on": "connect"}), value);
    refused("retryConfig", json!({"attempts": 1, "on": ["500"]}), value);
}

#[test]
fn d27_unknown_members_are_named_and_rates_and_retries_say_how_many() {
    for field in ["queueConfig", "limits", "rateLimit", "retryConfig"] {
        refused(field, json!({"per_user": 1}), "validation_unknown_field");
    }
    refused("rateLimit", json!({"window": 60}), "validation_required");
    refused("retryConfig", json!({"on": ["connect"]}), "validation_required");
}

#[test]
fn d3_json_is_stored_in_snake_case_whatever_was_typed() {
    let row = stored(json!({
        "circuitBreaker": {"failureThreshold": 3, "half_open_requests": 2},
        "timeoutConfig": {"responseHeader": 0, "bodyIdle": 600, "firstEvent": 60, "sseKeepalive": 15},
        "queueConfig": {"maxWaiting": 10, "perIdentity": true}, "limits": {"perIp": 4},
        "rateLimit": {"requests": 5, "dryRun": true}, "retryConfig": {"attempts": 1, "on": [503, "connect"], "backoffMs": 5},
    }));
    assert_eq!(row.circuit_breaker.as_deref(), Some(r#"{"failure_threshold":3,"half_open_requests":2}"#));
    assert_eq!(
        row.timeout_config.as_deref(),
        Some(r#"{"body_idle":600,"first_event":60,"response_header":0,"sse_keepalive":15}"#)
    );
    assert_eq!(row.queue_config.as_deref(), Some(r#"{"max_waiting":10,"per_identity":true}"#));
    assert_eq!(row.limits.as_deref(), Some(r#"{"per_ip":4}"#));
    assert_eq!(row.rate_limit.as_deref(), Some(r#"{"dry_run":true,"requests":5}"#));
    let retries = r#"{"attempts":1,"backoff_ms":5,"on":["connect","503"]}"#;
    assert_eq!(row.retry_config.as_deref(), Some(retries));
}

#[test]
fn json_fields_are_objects_of_a_limited_size() {
    for field in ["circuitBreaker", "timeoutConfig", "queueConfig", "limits", "rateLimit", "retryConfig"] {
        accepted(field, json!(null));
        accepted(field, json!({}));
        refused(field, json!("{}"), "validation_invalid_json");
        refused(field, json!({"a": "b".repeat(1000)}), "validation_json_size_limit");
    }
}

#[test]
fn booleans_are_booleans() {
    for field in ["active", "stripPath", "forwardAuth", "forwardEncoding", "forwardPreflight"] {
        accepted(field, json!(true));
        refused(field, json!("true"), "validation_invalid_value");
        refused(field, json!(1), "validation_invalid_value");
    }
}

#[test]
fn headers_may_name_secrets_and_fields_of_the_caller_but_the_hidden_ones() {
    accepted("headers", json!({"A": "{secret.KEY}", "B": "@request.auth.id"}));
    refused("headers", json!({"A": "@request.auth.tokenKey"}), "validation_invalid_format");
}

#[test]
fn unknown_fields_are_named() {
    refused("upsteam", json!("x"), "validation_unknown_field");
    refused("id", json!("x"), "validation_unknown_field");
    refused("strip_path", json!(true), "validation_unknown_field");
}

#[test]
fn h38_every_field_that_is_wrong_is_named_at_once() {
    let errors =
        errors(json!({"path": "/_", "upstream": "x", "timeout": -1, "headers": [], "maxConcurrent": 0.5}));
    let named: Vec<_> = errors.iter().map(|(field, _)| field).collect();
    assert_eq!(named, ["headers", "maxConcurrent", "path", "timeout", "upstream"]);
}

#[test]
fn d7_variables_without_a_value_are_a_warning() {
    let environment = EnvironmentPolicy::with_reader([], |name| (name == "KEY").then(|| "value".to_owned()));
    let warnings = |value| {
        let record = typed(json!({ "headers": { "A": value, "B": "@request.auth.id" } })).unwrap();
        record.check().unwrap().warnings(&environment, &ResolvedSecrets::of([("KEY", "value")]))
    };
    assert!(warnings("Bearer {env.KEY}").is_empty());
    let warning = warnings("Bearer {env.KEI}").field("headers").unwrap().clone();
    assert_eq!(warning.message, "A: {env.KEI} has no value in the environment.");
    assert!(
        warnings("{env.PB_MASTER_KEY}").field("headers").unwrap().message.contains("never sent anywhere")
    );
    assert!(warnings("{secret.KEY}").is_empty());
    let warning = warnings("{secret.KEI} {env.KEI}").field("headers").unwrap().clone();
    let expected = "A: {secret.KEI} is not among the secrets; A: {env.KEI} has no value in the environment.";
    assert_eq!(warning.message, expected);
}

#[test]
fn d13_every_edit_has_a_later_date() {
    let first = stored(json!({}));
    let mut previous = first.clone();
    for _ in 0..100 {
        let next = ProxyRecord::from_row(&previous).unwrap().check().unwrap().row_after(&previous);
        assert!(next.updated > previous.updated);
        assert_eq!((&next.id, &next.created), (&first.id, &first.created));
        previous = next;
    }
}

#[test]
fn nothing_that_is_shown_for_debugging_holds_a_header() {
    let record = typed(json!({"headers": {"A": "canary"}})).unwrap();
    let row = record.clone().check().unwrap().new_row();
    assert!(!format!("{record:?} {row:?}").contains("canary"));
}
