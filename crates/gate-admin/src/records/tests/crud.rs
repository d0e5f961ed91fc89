//! Contract §1.3: view, create, update and delete, with PocketBase's statuses and sentences.

use crate::testing::{SUPERUSER, Scenario, Server, USER, check_all};
use serde_json::{Value, json};

const GUEST: &str = "";
const RECORDS: &str = "/api/collections/_proxies/records";

fn proxy(path: &str) -> Value {
    json!({"id": "aaaaaaaaaaaaaaa", "path": path, "upstream": "http://a.example/v1"})
}

#[tokio::test]
async fn a_collection_nobody_knows_has_no_records() {
    let missing = |call: &'static str, message| {
        Scenario::new("an unknown collection", SUPERUSER, call, 404).says(message).body(
            match call.split_once(' ') {
                Some(("POST" | "PATCH", _)) => json!({}),
                _ => Value::Null,
            },
        )
    };
    let scenarios = vec![
        missing("GET /api/collections/unknown/records", "Missing collection context."),
        missing("GET /api/collections/unknown/records/a", "Missing collection context."),
        missing("POST /api/collections/unknown/records", "Missing or invalid collection context."),
        missing("PATCH /api/collections/unknown/records/a", "Missing or invalid collection context."),
        missing("DELETE /api/collections/unknown/records/a", "Missing collection context."),
        missing("GET /api/collections/PBC_545340895/records", "Missing collection context."),
        Scenario::new("writing without an id", SUPERUSER, "PUT /api/collections/_proxies/records", 404)
            .body(proxy("/-/a"))
            .says("The requested resource wasn't found."),
    ];
    check_all(&Server::start().await, scenarios).await;
}

#[tokio::test]
async fn a_rule_that_is_null_is_for_superusers_and_403_for_guests_too() {
    let server = Server::start().await;
    let mut scenarios = vec![
        Scenario::new("make", SUPERUSER, "POST /api/collections/_proxies/records", 200).body(proxy("/-/a")),
    ];
    for caller in [GUEST, USER, "Authorization: expired\r\n"] {
        for (call, body) in [
            ("GET /api/collections/_proxies/records", Value::Null),
            ("GET /api/collections/_proxies/records/aaaaaaaaaaaaaaa", Value::Null),
            ("GET /api/collections/_proxies/records/unknown", Value::Null),
            ("GET /api/collections/_superusers/records", Value::Null),
            ("GET /api/collections/_secrets/records", Value::Null),
            ("POST /api/collections/_proxies/records", proxy("/-/b")),
            ("POST /api/collections/_superusers/records", json!({"email": "a@b.co"})),
            ("PATCH /api/collections/_proxies/records/aaaaaaaaaaaaaaa", json!({"active": false})),
            ("DELETE /api/collections/_proxies/records/aaaaaaaaaaaaaaa", Value::Null),
        ] {
            let scenario = Scenario::new("not allowed", caller, call, 403).body(body);
            scenarios.push(scenario.says("Only superusers can perform this action."));
        }
    }
    scenarios.push(
        Scenario::new("nothing happened", SUPERUSER, "GET /api/collections/_proxies/records", 200)
            .has("totalItems", 1)
            .has("items/0/active", true),
    );
    check_all(&server, scenarios).await;
}

#[tokio::test]
async fn a_record_is_made_shown_changed_and_deleted() {
    let server = Server::start().await;
    let one = "/api/collections/_proxies/records/aaaaaaaaaaaaaaa";
    let scenarios = vec![
        Scenario::new("made: 200, not 201", SUPERUSER, "POST /api/collections/_Proxies/records", 200)
            .body(proxy("/-/a"))
            .has("id", "aaaaaaaaaaaaaaa")
            .has("collectionId", "pbc_545340895")
            .has("collectionName", "_proxies")
            .has("timeout", 30)
            .has("headers", Value::Null)
            .lacks("expand")
            .lacks("warnings"),
        Scenario::new("found", SUPERUSER, "GET /api/collections/pbc_545340895/records/aaaaaaaaaaaaaaa", 200)
            .has("path", "/-/a"),
        Scenario::new("changed", SUPERUSER, "PATCH /api/collections/_proxies/records/aaaaaaaaaaaaaaa", 200)
            .body(json!({"maxConcurrent+": 5, "unknown": 1, "created": "x", "id": "aaaaaaaaaaaaaaa"}))
            .has("maxConcurrent", 5)
            .has("path", "/-/a")
            .lacks("unknown"),
        Scenario::new("a new id", SUPERUSER, "PATCH /api/collections/_proxies/records/aaaaaaaaaaaaaaa", 400)
            .body(json!({"id": "bbbbbbbbbbbbbbb"}))
            .has("message", "Failed to update record.")
            .has("data/id/code", "validation_pk_change"),
        Scenario::new("invalid", SUPERUSER, "PATCH /api/collections/_proxies/records/aaaaaaaaaaaaaaa", 400)
            .body(json!({"path": "", "maxConcurrent": 1.5}))
            .has("message", "Failed to update record.")
            .has("data/path", json!({"code": "validation_required", "message": "Cannot be blank."}))
            .has(
                "data/maxConcurrent",
                json!({"code": "validation_only_int_constraint", "message": "Decimal numbers are not allowed."}),
            ),
        Scenario::new("taken", SUPERUSER, "POST /api/collections/_proxies/records", 400)
            .body(json!({"path": "/-/a", "upstream": "http://a"}))
            .has("message", "Failed to create record.")
            .has("data/path", json!({"code": "validation_not_unique", "message": "Value must be unique."})),
        Scenario::new("the same id", SUPERUSER, "POST /api/collections/_proxies/records", 400)
            .body(proxy("/-/b"))
            .has("data/id/code", "validation_not_unique"),
        Scenario::new("deleted", SUPERUSER, "DELETE /api/collections/_proxies/records/aaaaaaaaaaaaaaa", 204),
        Scenario::new("gone", SUPERUSER, "GET /api/collections/_proxies/records/aaaaaaaaaaaaaaa", 404)
            .says("The requested resource wasn't found."),
        Scenario::new("gone", SUPERUSER, "DELETE /api/collections/_proxies/records/aaaaaaaaaaaaaaa", 404)
            .says("The requested resource wasn't found."),
        Scenario::new("gone", SUPERUSER, "PATCH /api/collections/_proxies/records/aaaaaaaaaaaaaaa", 404)
            .body(json!({"active": true}))
            .says("The requested resource wasn't found."),
    ];
    check_all(&server, scenarios).await;
    assert_eq!(server.request("GET", one, SUPERUSER).await.status, 404);
}

#[tokio::test]
async fn ids_are_15_characters_of_a_to_z_and_0_to_9() {
    let server = Server::start().await;
    let mut scenarios = Vec::new();
    for (id, code) in [
        ("short", "validation_min_text_constraint"),
        ("aaaaaaaaaaaaaaaa", "validation_max_text_constraint"),
        ("AAAAAAAAAAAAAAA", "validation_invalid_format"),
        ("aaaaaaaaaaaa'--", "validation_invalid_format"),
    ] {
        let body = json!({"id": id, "path": "/-/a", "upstream": "http://a"});
        let scenario = Scenario::new("a bad id", SUPERUSER, "POST /api/collections/_proxies/records", 400);
        scenarios.push(scenario.body(body).has("data/id/code", code));
    }
    check_all(&server, scenarios).await;
}

#[tokio::test]
async fn d13_a_stale_change_is_a_409() {
    let server = Server::start().await;
    let made = server.send("POST", RECORDS, SUPERUSER, &proxy("/-/a")).await.json();
    let seen = made["updated"].as_str().unwrap();
    let one = format!("{RECORDS}/aaaaaaaaaaaaaaa");
    let change = json!({"timeout": 5, "updated": seen});
    assert_eq!(server.send("PATCH", &one, SUPERUSER, &change).await.status, 200);
    let refused = server.send("PATCH", &one, SUPERUSER, &change).await;
    let message = "The record was changed by someone else in the meantime.";
    assert_eq!(refused.json(), json!({"data": {}, "message": message, "status": 409}));
    let fields = format!("{SUPERUSER}If-Unmodified-Since-Updated: {seen}\r\n");
    assert_eq!(server.send("PATCH", &one, &fields, &json!({"timeout": 6})).await.status, 409);
    assert_eq!(server.send("PATCH", &one, SUPERUSER, &json!({"timeout": 7})).await.status, 200);
}

#[tokio::test]
async fn fields_and_forms_work_as_everywhere() {
    let server = Server::start().await;
    let form =
        "path=%2F-%2Fa&upstream=http%3A%2F%2Fa&timeout=12&active=false&headers=%7B%22X%22%3A%22a%22%7D";
    let head =
        format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", form.len());
    let made = server.raw("POST", RECORDS, &format!("{SUPERUSER}{head}"), form).await.json();
    assert_eq!(
        (&made["timeout"], &made["active"], &made["headers"]),
        (&json!(12), &json!(false), &json!({"X": "a"}))
    );
    let picked = server.request("GET", &format!("{RECORDS}?fields=path"), SUPERUSER).await.json();
    assert_eq!(picked["items"], json!([{"path": "/-/a"}]));
    assert_eq!(picked["totalItems"], 1);
}
