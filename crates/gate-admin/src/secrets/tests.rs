//! The rows of contract §3.3 and D-23, over a real store.

use crate::testing::{Answer, SUPERUSER, Server, USER};
use serde_json::{Value, json};

async fn create(server: &Server, body: Value) -> Answer {
    server.send("POST", "/api/secrets", SUPERUSER, &body).await
}

async fn server() -> Server {
    let server = Server::start().await;
    let body = json!({"key": "OPENAI_KEY", "value": "sk-canary-5f3a", "description": "for tests"});
    let made = create(&server, body).await;
    let expected = json!({"key": "OPENAI_KEY", "env": "global", "message": "Secret created successfully"});
    assert_eq!((made.status, made.json()), (200, expected));
    server
}

#[track_caller]
fn check_message(answer: &Answer, status: u16, message: &str) {
    assert_eq!((answer.status, &answer.json()["message"]), (status, &json!(message)));
}

#[tokio::test]
async fn d23_a_list_masks_the_plaintext() {
    let server = server().await;
    create(&server, json!({"key": "A", "value": "short", "env": "dev"})).await;
    let list = server.request("GET", "/api/secrets", SUPERUSER).await;
    let list_body = list.json();
    assert_eq!((list.status, &list_body["total"]), (200, &json!(2)));
    let shown = |position: usize, field: &str| list_body["items"][position][field].clone();
    assert_eq!(
        (shown(0, "key"), shown(0, "env"), shown(0, "masked_value")),
        (json!("A"), json!("dev"), json!("***"))
    );
    assert_eq!(shown(1, "masked_value"), "sk-can***");
    assert!(shown(1, "created").as_str().unwrap().ends_with('Z'));
    assert!(!list.body.contains("canary"));
}

#[tokio::test]
async fn an_empty_list_is_a_list() {
    let list = Server::start().await.request("GET", "/api/secrets", SUPERUSER).await;
    assert_eq!((list.status, list.json()), (200, json!({"items": [], "total": 0})));
}

#[tokio::test]
async fn d9_a_value_is_shown_only_where_the_operator_asked_for_it() {
    let hidden = server().await.request("GET", "/api/secrets/OPENAI_KEY", SUPERUSER).await;
    assert_eq!((hidden.status, &hidden.json()["masked_value"]), (200, &json!("sk-can***")));
    assert!(!hidden.body.contains("canary"));
    let revealing = Server::start_with(|services| services.reveal_secrets = true).await;
    create(&revealing, json!({"key": "OPENAI_KEY", "value": "sk-canary-5f3a"})).await;
    let shown = revealing.request("GET", "/api/secrets/OPENAI_KEY", SUPERUSER).await;
    assert_eq!((shown.status, shown.json()), (200, json!({"key": "OPENAI_KEY", "value": "sk-canary-5f3a"})));
}

#[tokio::test]
async fn d23_head_works() {
    let answer = server().await.request("HEAD", "/api/secrets/OPENAI_KEY", SUPERUSER).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[tokio::test]
async fn d23_a_duplicate_is_refused() {
    let server = server().await;
    let again = create(&server, json!({"key": "OPENAI_KEY", "value": "other"})).await;
    assert_eq!((again.status, &again.json()["data"]["key"]["code"]), (400, &json!("validation_not_unique")));
    let elsewhere = create(&server, json!({"key": "OPENAI_KEY", "value": "other", "env": "dev"})).await;
    assert_eq!(elsewhere.status, 200);
}

#[tokio::test]
async fn what_is_wrong_with_a_secret_is_said_by_field() {
    let server = Server::start().await;
    let answer = create(&server, json!({"key": "not a name", "value": ""})).await;
    check_message(&answer, 400, "An error occurred while validating the submitted data.");
    let data = answer.json()["data"].clone();
    assert_eq!(data["key"]["code"], "validation_invalid_format");
    assert_eq!(data["value"]["code"], "validation_required");
}

#[tokio::test]
async fn d23_a_change_is_of_one_environment_and_keeps_the_description() {
    let server = server().await;
    create(&server, json!({"key": "OPENAI_KEY", "value": "in dev", "env": "dev"})).await;
    let target = "/api/secrets/OPENAI_KEY?env=dev";
    let changed = server.send("PUT", target, SUPERUSER, &json!({"value": "new value"})).await;
    let expected = json!({"key": "OPENAI_KEY", "message": "Secret updated successfully"});
    assert_eq!((changed.status, changed.json()), (200, expected));
    let list = server.request("GET", "/api/secrets", SUPERUSER).await.json();
    assert_eq!(list["items"][0]["masked_value"], "new va***");
    assert_eq!(list["items"][1]["masked_value"], "sk-can***");
    server.send("PUT", "/api/secrets/OPENAI_KEY", SUPERUSER, &json!({"value": "newer value"})).await;
    let list = server.request("GET", "/api/secrets", SUPERUSER).await.json();
    assert_eq!(list["items"][1]["masked_value"], "newer ***");
    assert_eq!(list["items"][1]["description"], "for tests");
}

#[tokio::test]
async fn d23_what_is_not_there_is_a_404_and_is_not_made() {
    let server = server().await;
    for (method, target) in [
        ("GET", "/api/secrets/NONE"),
        ("PUT", "/api/secrets/NONE"),
        ("DELETE", "/api/secrets/NONE"),
        ("DELETE", "/api/secrets/OPENAI_KEY?env=dev"),
    ] {
        let answer = server.send(method, target, SUPERUSER, &json!({"value": "x"})).await;
        check_message(&answer, 404, "Secret not found.");
    }
    let gone = server.request("DELETE", "/api/secrets/OPENAI_KEY", SUPERUSER).await;
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    assert_eq!(server.request("GET", "/api/secrets", SUPERUSER).await.json()["total"], 0);
}

#[tokio::test]
async fn secrets_are_for_superusers() {
    let server = server().await;
    for (method, target) in [
        ("GET", "/api/secrets"),
        ("POST", "/api/secrets"),
        ("GET", "/api/secrets/OPENAI_KEY"),
        ("PUT", "/api/secrets/OPENAI_KEY"),
        ("DELETE", "/api/secrets/OPENAI_KEY"),
    ] {
        for (fields, status) in [("", 401), (USER, 403)] {
            let answer = server.request(method, target, fields).await;
            assert_eq!(answer.status, status, "{method} {target}");
        }
    }
}
