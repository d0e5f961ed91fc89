//! What somebody tries who may not: other people's records, fields that are not theirs, SQL in places of text.

use crate::testing::{SUPERUSER, Scenario, Server, USER, check_all};
use serde_json::json;

async fn with_another_account() -> Server {
    let server = Server::start().await;
    for id in ["us0000000000001", "us0000000000002"] {
        let body = json!({
            "id": id, "email": format!("{id}@b.co"), "password": "correct horse", "passwordConfirm": "correct horse",
        });
        assert_eq!(server.send("POST", "/api/collections/users/records", "", &body).await.status, 200);
    }
    server
}

#[tokio::test]
async fn idor_the_records_of_others_are_not_there() {
    let not_found = "The requested resource wasn't found.";
    let mut scenarios = Vec::new();
    for caller in ["", USER] {
        for (call, body) in [
            ("GET /api/collections/users/records/us0000000000002", json!(null)),
            ("PATCH /api/collections/users/records/us0000000000002", json!({"name": "x"})),
            (
                "PATCH /api/collections/users/records/us0000000000002",
                json!({"password": "12345678", "passwordConfirm": "12345678", "oldPassword": "correct horse"}),
            ),
            ("DELETE /api/collections/users/records/us0000000000002", json!(null)),
        ] {
            scenarios.push(Scenario::new("of somebody else", caller, call, 404).body(body).says(not_found));
        }
    }
    let untouched = "GET /api/collections/users/records/us0000000000002";
    scenarios.push(Scenario::new("untouched", SUPERUSER, untouched, 200).has("name", ""));
    check_all(&with_another_account().await, scenarios).await;
}

#[tokio::test]
async fn mass_assignment_reaches_nothing_that_is_not_the_callers() {
    let body = json!({
        "id": "us0000000000003", "email": "c@b.co", "password": "correct horse", "passwordConfirm": "correct horse",
        "tokenKey": "known-to-the-attacker-known-to-the-attacker", "tokenKey:autogenerate": "known",
        "created": "2000-01-01 00:00:00.000Z", "updated": "2000-01-01 00:00:00.000Z",
        "collectionId": "pbc_3142635823", "collectionName": "_superusers", "superuser": true, "avatar": "../x",
    });
    let server = with_another_account().await;
    let made = server.send("POST", "/api/collections/users/records", "", &body).await.json();
    assert_eq!((&made["collectionName"], &made["avatar"]), (&json!("users"), &json!("")));
    assert!(made["created"].as_str().unwrap() > "2026" && made["superuser"].is_null());
    let key = server.store.find(&gate_store::USERS, "id", "us0000000000003").await.unwrap().unwrap();
    assert!(!key.text("tokenKey").contains("known"));
}

#[tokio::test]
async fn sql_is_text_like_any_other() {
    let server = with_another_account().await;
    let metacharacters =
        ["'", "\"", "';DROP TABLE users;--", "' OR 1=1 --", "\\", "%", "\u{0}", "`", "$1", "?1"];
    for text in metacharacters {
        let body = json!({"name": text});
        let answer =
            server.send("PATCH", "/api/collections/users/records/us0000000000001", SUPERUSER, &body).await;
        if text.contains('\0') {
            // PostgreSQL could not keep it.
            assert_eq!(answer.json()["data"]["name"]["code"], "validation_invalid_format");
        } else {
            assert_eq!(answer.json()["name"], text);
        }
        let encoded = text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        for query in
            [format!("filter=name%3D{encoded}"), format!("sort={encoded}"), format!("filter={encoded}")]
        {
            let answer =
                server.request("GET", &format!("/api/collections/users/records?{query}"), SUPERUSER).await;
            assert_eq!((answer.status, &answer.json()["data"]), (400, &json!({})), "{query}");
        }
        let answer =
            server.request("GET", &format!("/api/collections/users/records/{encoded}"), SUPERUSER).await;
        assert_eq!(answer.status, 404, "{text:?}");
        let answer = server.request("GET", &format!("/api/collections/{encoded}/records"), SUPERUSER).await;
        assert_eq!(answer.status, 404, "{text:?}");
    }
    // In quotes it is a text that is looked for.
    let filter = "filter=name%3D%22'%20OR%201%3D1%20--%22";
    let found =
        server.request("GET", &format!("/api/collections/users/records?{filter}"), SUPERUSER).await.json();
    assert_eq!(found["totalItems"], 0);
    let all = server.request("GET", "/api/collections/users/records", SUPERUSER).await.json();
    assert_eq!(all["totalItems"], 2);
}
