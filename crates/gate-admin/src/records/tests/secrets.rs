//! `_secrets` as a collection (contract D-9): what is written is never read.

use crate::testing::{SUPERUSER, Scenario, Server, check_all};
use serde_json::json;

#[tokio::test]
async fn d9_a_secret_is_written_and_never_read() {
    let make = "POST /api/collections/_secrets/records";
    let body = json!({"id": "aaaaaaaaaaaaaaa", "key": "OPENAI_KEY", "value": "sk-canary-1234"});
    let scenarios = vec![
        Scenario::new("make", SUPERUSER, make, 200)
            .body(body)
            .has("key", "OPENAI_KEY")
            .has("masked_value", "sk-can***")
            .has("env", "global")
            .has("collectionId", "pbc_4281647728")
            .lacks("value"),
        Scenario::new("again", SUPERUSER, make, 400)
            .body(json!({"key": "OPENAI_KEY", "value": "x"}))
            .has("data/key", json!({"code": "validation_not_unique", "message": "Value must be unique."})),
        Scenario::new("a bad name", SUPERUSER, make, 400)
            .body(json!({"key": "1 A", "value": ""}))
            .has("data/key/code", "validation_invalid_format")
            .has("data/value/code", "validation_required"),
        Scenario::new("view", SUPERUSER, "GET /api/collections/_secrets/records/aaaaaaaaaaaaaaa", 200)
            .has("masked_value", "sk-can***")
            .lacks("value"),
        Scenario::new(
            "list",
            SUPERUSER,
            "GET /api/collections/_secrets/records?filter=key='OPENAI_KEY'",
            200,
        )
        .has("totalItems", 1)
        .lacks("items/0/value"),
        Scenario::new("change", SUPERUSER, "PATCH /api/collections/_secrets/records/aaaaaaaaaaaaaaa", 200)
            .body(json!({"value": "sk-another-1", "description": "a key"}))
            .has("masked_value", "sk-ano***")
            .has("description", "a key"),
        Scenario::new("delete", SUPERUSER, "DELETE /api/collections/_secrets/records/aaaaaaaaaaaaaaa", 204),
    ];
    check_all(&Server::start().await, scenarios).await;
}
