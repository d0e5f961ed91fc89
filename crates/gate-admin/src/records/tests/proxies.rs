//! `_proxies` over the API (contract §3.1): defaults, spellings, and the defects of the fork that must not come back.

use crate::testing::{SUPERUSER, Scenario, Server, check_all};
use serde_json::{Value, json};

const MAKE: &str = "POST /api/collections/_proxies/records";

fn made(name: &'static str, members: Value) -> Scenario {
    let mut body = json!({"path": "/-/a", "upstream": "http://a"});
    if let (Value::Object(body), Value::Object(members)) = (&mut body, members) {
        body.extend(members);
    }
    Scenario::new(name, SUPERUSER, MAKE, 200).body(body)
}

fn refused(name: &'static str, members: Value) -> Scenario {
    Scenario { status: 400, ..made(name, members) }.has("message", "Failed to create record.")
}

#[tokio::test]
async fn d2_r005_us1_ac2_what_is_absent_has_a_default_and_what_is_said_counts() {
    let server = Server::start().await;
    let scenarios = vec![
        made("absent", json!({"path": "/-/a"}))
            .has("active", true)
            .has("stripPath", true)
            .has("timeout", 30)
            .has("accessRule", "")
            .has("maxConcurrent", 0)
            .has("circuitBreaker", Value::Null)
            .has("forwardAuth", false),
        made("said", json!({"path": "/-/b", "active": false, "stripPath": "false", "timeout": 0}))
            .has("active", false)
            .has("stripPath", false)
            .has("timeout", 0),
        made("as texts", json!({"path": "/-/c", "timeout": "12", "active": "true", "maxConcurrent": "x"}))
            .has("timeout", 12)
            .has("maxConcurrent", 0),
    ];
    check_all(&server, scenarios).await;
}

#[tokio::test]
async fn d3_both_spellings_are_taken_and_one_is_stored() {
    let stored = json!({"enabled": true, "failure_threshold": 3});
    let scenarios = vec![
        made("camelCase", json!({"circuitBreaker": {"enabled": true, "failureThreshold": 3}}))
            .has("circuitBreaker", stored.clone()),
        made("snake_case", json!({"path": "/-/b", "circuitBreaker": stored.clone()}))
            .has("circuitBreaker", stored),
    ];
    check_all(&Server::start().await, scenarios).await;
}

#[tokio::test]
async fn h27_an_upstream_is_a_url_of_http_without_credentials_or_query() {
    let mut scenarios =
        vec![refused("blank", json!({"upstream": ""})).has("data/upstream/code", "validation_required")];
    for upstream in
        ["a.example", "ftp://a", "ws://a", "http://", "http://u:p@a", "http://a?b=c", "http://a#b"]
    {
        let scenario = refused("not an upstream", json!({"upstream": upstream}));
        scenarios.push(scenario.has("data/upstream/code", "validation_invalid_url"));
    }
    check_all(&Server::start().await, scenarios).await;
}

#[tokio::test]
async fn h30_h32_r005_us4_ac4_any_path_is_stored_in_the_form_in_which_it_routes() {
    let scenarios = vec![
        made("h30", json!({"path": "/v1/chat/completions"})).has("path", "/v1/chat/completions"),
        made("h32", json!({"path": "/-/gpt4/"})).has("path", "/-/gpt4"),
        made("h32", json!({"path": "//x//y"})).has("path", "/x/y"),
        refused("the same after all", json!({"path": "/x/y/"}))
            .has("data/path/code", "validation_not_unique"),
    ];
    check_all(&Server::start().await, scenarios).await;
}

#[tokio::test]
async fn h31_an_inactive_proxy_keeps_its_path_from_a_shorter_one() {
    let server = Server::start().await;
    let scenarios = vec![
        made("shorter", json!({"path": "/-/a", "accessRule": "true"})),
        made("longer", json!({"path": "/-/a/b", "active": false})).has("active", false),
    ];
    check_all(&server, scenarios).await;
    let snapshot = server.published.load();
    let matched = snapshot.routes().find(b"/-/a/b/c").unwrap();
    assert!(!matched.proxy.active && &*matched.proxy.path == "/-/a/b");
}

#[tokio::test]
async fn h38_r005_us4_every_field_says_what_is_wrong_with_it() {
    let scenarios =
        vec![
        refused("everything", json!({
            "path": "", "upstream": "", "accessRule": "role =", "headers": {"A B": "x"}, "timeout": -1,
            "maxConcurrent": 10_001, "circuitBreaker": {"failure_threshold": 0}, "timeoutConfig": [],
            "queueConfig": {"timeout": 0}, "limits": {"per_ip": -1}, "rateLimit": {"window": 1}, "retryConfig": {"attempts": 11},
            "name": "a".repeat(101), "description": "a".repeat(501),
        }))
        .has("data/path/code", "validation_required")
        .has("data/upstream/code", "validation_required")
        .has("data/accessRule/code", "validation_invalid_rule")
        .has("data/headers/code", "validation_invalid_format")
        .has("data/timeout/code", "validation_min_number_constraint")
        .has(
            "data/maxConcurrent",
            json!({
                "code": "validation_max_number_constraint", "message": "Must be less or equal than 10000.",
                "params": {"max": 10_000},
            }),
        )
        .has("data/circuitBreaker/code", "validation_min_number_constraint")
        .has("data/timeoutConfig/code", "validation_invalid_json")
        .has("data/queueConfig/message", "timeout: Must be greater or equal than 0.1.")
        .has("data/limits/message", "per_ip: Must be greater or equal than 0.")
        .has("data/rateLimit/message", "requests: Cannot be blank.")
        .has("data/retryConfig/message", "attempts: Must be less or equal than 10.")
        .has("data/name/code", "validation_max_text_constraint")
        .has("data/description/code", "validation_max_text_constraint"),
        refused("headers too large", json!({"headers": {"A": "x".repeat(10_001)}}))
            .has("data/headers/code", "validation_json_size_limit"),
    ];
    check_all(&Server::start().await, scenarios).await;
}

#[tokio::test]
async fn h39_r005_us4_ac1_ac2_paths_of_the_control_plane_are_refused_in_every_spelling() {
    let reserved =
        ["/api", "/api/users", "/_", "/_/admin", "/API/x", "/%61pi/x", "/%2561pi", "//api", "/x/../api"];
    let scenarios = reserved.map(|path| {
        refused("reserved", json!({"path": path})).has("data/path/code", "validation_reserved_path")
    });
    check_all(&Server::start().await, scenarios.into()).await;
}

#[tokio::test]
async fn d7_a_name_nobody_knows_is_a_warning_and_no_error() {
    let server = Server::start().await;
    let code = "warning_unresolved_template";
    let header = |template: &str| json!({"headers": {"Authorization": template}});
    let scenarios = vec![
        made("a variable", json!({"id": "aaaaaaaaaaaaaaa", "headers": {"X": "{env.MISSING}"}}))
            .has("warnings/headers/code", code),
        Scenario::new("a secret", SUPERUSER, "PATCH /api/collections/_proxies/records/aaaaaaaaaaaaaaa", 200)
            .body(header("Bearer {secret.KEY}"))
            .has("warnings/headers/code", code),
        Scenario::new("a secret that is made with it", SUPERUSER, "POST /api/batch", 200)
            .body(json!({"requests": [
                {
                    "method": "POST", "url": "/api/collections/_secrets/records",
                    "body": {"key": "KEY", "value": "sk-canary-1234"},
                },
                {
                    "method": "PATCH", "url": "/api/collections/_proxies/records/aaaaaaaaaaaaaaa",
                    "body": header("Bearer {secret.KEY}"),
                },
            ]}))
            .lacks("1/body/warnings"),
    ];
    check_all(&server, scenarios).await;
}

#[tokio::test]
async fn r005_us2_a_rule_is_understood_when_it_is_saved_or_not_at_all() {
    let mut scenarios = vec![
        made("a rule", json!({"accessRule": "@request.auth.id != '' && @request.auth.role = 'admin'"})),
        refused("half a rule", json!({"path": "/-/b", "accessRule": "@request.auth.id !="}))
            .has("data/accessRule/code", "validation_invalid_rule"),
    ];
    for rule in
        ["@collection.users.id != ''", "@request.body.a = 1", "headers ~ 'a'", "a = (b = 1)", "'1' = 1 junk"]
    {
        let scenario = refused("not for a gateway", json!({"path": "/-/b", "accessRule": rule}));
        scenarios.push(scenario.has("data/accessRule/code", "validation_invalid_rule"));
    }
    check_all(&Server::start().await, scenarios).await;
}
