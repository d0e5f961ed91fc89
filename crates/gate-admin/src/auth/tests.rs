//! The rows of contract §1.5, over a real store.

use crate::testing::{Answer, SUPERUSER, Server, USER};
use serde_json::{Value, json};

const EMAIL: &str = "root@example.com";
const PASSWORD: &str = "correct horse";
const LOGIN: &str = "/api/collections/_superusers/auth-with-password";

async fn server() -> Server {
    let server = Server::start().await;
    server.superusers.create(EMAIL, PASSWORD).await.unwrap();
    server
}

async fn login(server: &Server, body: Value) -> Answer {
    server.send("POST", LOGIN, "", &body).await
}

async fn token(server: &Server) -> String {
    let answer = login(server, json!({"identity": EMAIL, "password": PASSWORD})).await;
    answer.json()["token"].as_str().unwrap().to_owned()
}

/// A record of `users`, made as anybody would make one.
async fn user(server: &Server) -> String {
    let row = json!({"email": "ada@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD});
    let request = gate_records::records::RequestInfo {
        body: row.as_object().unwrap().clone(),
        ..gate_records::records::RequestInfo::default()
    };
    let collection = &gate_records::collections::USERS;
    let kind = gate_records::records::WriteKind::Create;
    let write = gate_records::records::Write { collection, kind, request };
    let written = server.services.records.write(write).await.unwrap();
    written.change.record().unwrap().id().to_owned()
}

#[track_caller]
fn check_error(answer: &Answer, status: u16, message: &str) {
    let expected = json!({"data": {}, "message": message, "status": status});
    assert_eq!((answer.status, answer.json()), (status, expected));
}

#[tokio::test]
async fn a_login_answers_the_record_with_its_own_address_and_a_token() {
    let server = server().await;
    let answer =
        login(&server, json!({"identity": EMAIL, "password": PASSWORD, "identityField": "email"})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    let mut members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["record", "token"]);
    let mut fields: Vec<&str> = body["record"].as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "collectionId",
            "collectionName",
            "created",
            "email",
            "emailVisibility",
            "id",
            "updated",
            "verified"
        ]
    );
    assert_eq!(body["record"]["collectionId"], "pbc_3142635823");
    assert_eq!(body["record"]["email"], EMAIL);
    assert_eq!(body["record"]["verified"], true);
    let authorization = format!("Authorization: {}\r\n", body["token"].as_str().unwrap());
    assert_eq!(server.request("GET", "/api/settings", &authorization).await.status, 200);
}

#[tokio::test]
async fn in_a_form_a_password_of_digits_is_what_was_typed() {
    let server = Server::start().await;
    for (number, password) in
        ["12345678", "100000000000000000000000", "true true", "-1234.56"].iter().enumerate()
    {
        let email = format!("a{number}@example.com");
        server.superusers.create(&email, password).await.unwrap();
        let encoded = password.replace(' ', "+");
        let form = format!("identity={email}&password={encoded}");
        let urlencoded =
            format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", form.len());
        let part = |name: &str, value: &str| {
            format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let parts = format!("{}{}--XX--\r\n", part("identity", &email), part("password", password));
        let multipart =
            format!("Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: {}\r\n", parts.len());
        for (fields, body) in [(urlencoded, form), (multipart, parts)] {
            let answer = server.raw("POST", LOGIN, &fields, &body).await;
            assert_eq!(answer.status, 200, "{password}: {}", answer.body);
        }
    }
    // In JSON a number is no text, as with PocketBase.
    let answer = login(&server, json!({"identity": "a0@example.com", "password": 12_345_678})).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
}

#[tokio::test]
async fn a_login_is_a_form_too() {
    let server = server().await;
    let form = "identity=root%40example.com&password=correct+horse";
    let fields = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    // What follows the blank line is the body; `request` ends the head once more, behind its length.
    assert_eq!(server.request("POST", LOGIN, &fields).await.status, 200);
}

#[tokio::test]
async fn wrong_credentials_are_a_400_that_does_not_say_which() {
    let server = server().await;
    for (identity, password) in [(EMAIL, "wrong password"), ("nobody@example.com", PASSWORD)] {
        let answer = login(&server, json!({"identity": identity, "password": password})).await;
        check_error(&answer, 400, "Failed to authenticate.");
    }
}

#[tokio::test]
async fn what_is_missing_is_named_and_what_cannot_be_read_is_not() {
    let server = server().await;
    let answer = login(&server, json!({"identity": "", "password": null})).await;
    let blank = json!({"code": "validation_required", "message": "Cannot be blank."});
    let expected = json!({
        "data": {"identity": blank, "password": blank},
        "message": "An error occurred while validating the submitted data.",
        "status": 400,
    });
    assert_eq!((answer.status, answer.json()), (400, expected));
    let answer = login(&server, json!({"identity": 5, "password": PASSWORD})).await;
    check_error(&answer, 400, "An error occurred while loading the submitted data.");
    let fields = "Content-Type: application/json\r\nContent-Length: 1\r\n\r\n{";
    let answer = server.request("POST", LOGIN, fields).await;
    check_error(&answer, 400, "An error occurred while loading the submitted data.");
    let fields = "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\n{";
    check_error(&server.request("POST", LOGIN, fields).await, 400, "Unsupported Content-Type.");
}

#[tokio::test]
async fn only_auth_collections_log_anybody_in() {
    let server = server().await;
    let no_token = "The request requires valid record authorization token.";
    check_error(&server.request("POST", "/api/collections/_proxies/auth-refresh", "").await, 401, no_token);
    let answer = server.request("POST", "/api/collections/unknown/auth-refresh", "").await;
    check_error(&answer, 404, "Missing or invalid collection context.");
    for (method, call) in [("POST", "auth-with-password"), ("GET", "auth-methods"), ("POST", "request-otp")] {
        let answer = server.request(method, &format!("/api/collections/unknown/{call}"), "").await;
        check_error(&answer, 404, "Missing or invalid collection context.");
        let answer = server.request(method, &format!("/api/collections/_proxies/{call}"), "").await;
        check_error(&answer, 404, "Missing or invalid auth collection context.");
    }
}

#[tokio::test]
async fn d10_the_eleventh_failure_is_a_429_with_retry_after() {
    let server = server().await;
    let wrong = json!({"identity": EMAIL, "password": "wrong password"});
    for _ in 0..10 {
        assert_eq!(login(&server, wrong.clone()).await.status, 400);
    }
    let answer = login(&server, json!({"identity": EMAIL, "password": PASSWORD})).await;
    check_error(&answer, 429, "Too Many Requests.");
    let seconds: u64 = answer.field("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    let elsewhere = "X-Forwarded-For: 192.0.2.7\r\n";
    let right = json!({"identity": EMAIL, "password": PASSWORD});
    assert_eq!(server.send("POST", LOGIN, elsewhere, &right).await.status, 200);
}

#[tokio::test]
async fn a_refresh_is_for_the_tokens_own_collection() {
    let server = server().await;
    let refresh = |collection| format!("/api/collections/{collection}/auth-refresh");
    check_error(
        &server.request("POST", &refresh("_superusers"), "").await,
        401,
        "The request requires valid record authorization token.",
    );
    let authorization = format!("Authorization: Bearer {}\r\n", token(&server).await);
    let answer = server.request("POST", &refresh("_superusers"), &authorization).await;
    assert_eq!((answer.status, &answer.json()["record"]["email"]), (200, &json!(EMAIL)));
    check_error(
        &server.request("POST", &refresh("users"), &authorization).await,
        403,
        "The request requires auth record from _superusers collection.",
    );
}

#[tokio::test]
async fn auth_methods_are_one_password_and_fields_picks_among_them() {
    let answer = server().await.request("GET", "/api/collections/users/auth-methods", "").await;
    let expected = json!({
        "password": {"identityFields": ["email"], "enabled": true},
        "oauth2": {"providers": [], "enabled": false},
        "mfa": {"enabled": false, "duration": 0},
        "otp": {"enabled": false, "duration": 0},
        "authProviders": null,
        "usernamePassword": false,
        "emailPassword": true,
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
    let target = "/api/collections/users/auth-methods?fields=mfa,otp,password,oauth2";
    let picked = server().await.request("GET", target, "").await.json();
    assert_eq!(picked.as_object().unwrap().len(), 4);
}

#[tokio::test]
async fn superusers_impersonate_and_nobody_else_does() {
    let server = server().await;
    let id = user(&server).await;
    let target = format!("/api/collections/users/impersonate/{id}");
    check_error(
        &server.request("POST", &target, "").await,
        401,
        "The request requires valid record authorization token.",
    );
    check_error(
        &server.request("POST", &target, USER).await,
        403,
        "The authorized record is not allowed to perform this action.",
    );
    let answer = server.send("POST", &target, SUPERUSER, &json!({"duration": 60})).await;
    assert_eq!((answer.status, &answer.json()["record"]["email"]), (200, &json!("ada@example.com")));
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let refresh = "/api/collections/users/auth-refresh";
    let refreshed = server.request("POST", refresh, &format!("Authorization: {token}\r\n")).await;
    assert_eq!(refreshed.json()["token"], token);
    let negative = server.send("POST", &target, SUPERUSER, &json!({"duration": -1})).await;
    let error = &negative.json()["data"]["duration"];
    assert_eq!(
        (negative.status, &error["code"], &error["message"]),
        (400, &json!("validation_min_greater_equal_than_required"), &json!("Must be no less than 0."))
    );
    let nobody = server.request("POST", "/api/collections/users/impersonate/none", SUPERUSER).await;
    check_error(&nobody, 404, "The requested resource wasn't found.");
}

#[tokio::test]
async fn a_file_token_is_for_somebody_and_is_nobody() {
    let server = server().await;
    check_error(
        &server.request("POST", "/api/files/token", "").await,
        401,
        "The request requires valid record authorization token.",
    );
    let authorization = format!("Authorization: {}\r\n", token(&server).await);
    let answer = server.request("POST", "/api/files/token", &authorization).await;
    let file_token = answer.json()["token"].as_str().unwrap().to_owned();
    let as_file = format!("Authorization: {file_token}\r\n");
    assert_eq!(server.request("GET", "/api/settings", &as_file).await.status, 401);
}

#[tokio::test]
async fn d15_what_is_not_supported_says_so() {
    let server = server().await;
    for call in [
        "auth-with-oauth2",
        "request-otp",
        "auth-with-otp",
        "request-password-reset",
        "confirm-password-reset",
        "request-verification",
        "confirm-verification",
        "request-email-change",
        "confirm-email-change",
    ] {
        let answer = server.request("POST", &format!("/api/collections/users/{call}"), "").await;
        assert_eq!(answer.status, 400, "{call}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.ends_with(" is not supported by pocketgate."), "{message}");
    }
}

#[tokio::test]
async fn the_setup_link_makes_the_first_superuser_once() {
    let server = Server::start().await;
    let first = |token: &str, confirm: &str| json!({"token": token, "email": EMAIL, "password": PASSWORD, "passwordConfirm": confirm});
    let setup = "/api/gateway/setup";
    let wrong = server.send("POST", setup, "", &first("wrong", PASSWORD)).await;
    check_error(&wrong, 403, "The setup link is not valid or was used already.");
    let mistyped = server.send("POST", setup, "", &first(&server.setup_token, "correct house")).await;
    assert_eq!(mistyped.json()["data"]["passwordConfirm"]["code"], "validation_values_mismatch");
    let answer = server.send("POST", setup, "", &first(&server.setup_token, PASSWORD)).await;
    assert_eq!((answer.status, &answer.json()["record"]["email"]), (200, &json!(EMAIL)));
    let again = server.send("POST", setup, "", &first(&server.setup_token, PASSWORD)).await;
    check_error(&again, 403, "The setup link is not valid or was used already.");
    assert_eq!(login(&server, json!({"identity": EMAIL, "password": PASSWORD})).await.status, 200);
}
