//! Contract §1.4: the records that can log in.

use crate::testing::{SUPERUSER, Scenario, Server, USER, check_all};
use serde_json::{Value, json};

const GUEST: &str = "";
/// The record the token of [`USER`] belongs to.
const OWN: &str = "us0000000000001";
const OTHER: &str = "us0000000000002";

fn account(id: &str, email: &str) -> Value {
    json!({"id": id, "email": email, "password": "correct horse", "passwordConfirm": "correct horse"})
}

/// A server with two accounts, one of which is the caller's.
async fn with_users() -> Server {
    let server = Server::start().await;
    for (id, email) in [(OWN, "own@b.co"), (OTHER, "other@b.co")] {
        let made = server.send("POST", "/api/collections/users/records", "", &account(id, email)).await;
        assert_eq!(made.status, 200, "{}", made.body);
    }
    server
}

#[tokio::test]
async fn everyone_may_sign_up_and_learns_nothing_secret() {
    let scenarios = vec![
        Scenario::new("sign up", GUEST, "POST /api/collections/users/records", 200)
            .body(account(OWN, "own@b.co"))
            .has("id", OWN)
            .has("collectionId", "_pb_users_auth_")
            .has("collectionName", "users")
            .has("verified", false)
            .has("emailVisibility", false)
            .has("avatar", "")
            .lacks("email")
            .lacks("password")
            .lacks("passwordConfirm")
            .lacks("tokenKey"),
        Scenario::new(
            "a superuser sees the address",
            SUPERUSER,
            "GET /api/collections/users/records/us0000000000001",
            200,
        )
        .has("email", "own@b.co")
        .lacks("password")
        .lacks("tokenKey"),
        Scenario::new("the owner too", USER, "GET /api/collections/users/records/us0000000000001", 200)
            .has("email", "own@b.co")
            .lacks("tokenKey"),
    ];
    check_all(&Server::start().await, scenarios).await;
}

#[tokio::test]
async fn d14_an_address_is_kept_as_it_was_sent_and_unique_to_the_byte() {
    let create = |name, id, email, status| {
        let scenario = Scenario::new(name, SUPERUSER, "POST /api/collections/users/records", status);
        scenario.body(account(id, email))
    };
    let scenarios = vec![
        create("capitals", OWN, "Ada.Lovelace@Example.CO", 200).has("email", "Ada.Lovelace@Example.CO"),
        create("in other capitals", OTHER, "ada.lovelace@example.co", 200)
            .has("email", "ada.lovelace@example.co"),
        create("the same bytes", "us0000000000003", "Ada.Lovelace@Example.CO", 400)
            .has("data/email/code", "validation_not_unique"),
    ];
    check_all(&Server::start().await, scenarios).await;
}

#[tokio::test]
async fn an_account_has_a_password_said_twice_and_an_address() {
    let server = with_users().await;
    let required = json!({"code": "validation_required", "message": "Cannot be blank."});
    let refused = |name, body: Value| {
        let scenario = Scenario::new(name, GUEST, "POST /api/collections/users/records", 400);
        scenario.body(body).has("message", "Failed to create record.")
    };
    let password =
        |password: &str| json!({"email": "a@b.co", "password": password, "passwordConfirm": password});
    let scenarios = vec![
        refused("nothing", json!({}))
            .has("data/password", required.clone())
            .has("data/passwordConfirm", required.clone()),
        refused("no address", json!({"password": "12345678", "passwordConfirm": "12345678"}))
            .has("data/email", required),
        refused(
            "said differently",
            json!({"email": "a@b.co", "password": "12345678", "passwordConfirm": "87654321"}),
        )
        .has(
            "data/passwordConfirm",
            json!({"code": "validation_values_mismatch", "message": "Values don't match."}),
        ),
        refused("too short", password("1234567")).has(
            "data/password",
            json!({
                "code": "validation_min_text_constraint", "message": "Must be at least 8 character(s).",
            }),
        ),
        refused("too long", password(&"a".repeat(72)))
            .has("data/password/code", "validation_max_text_constraint"),
        refused("too many bytes", password(&"é".repeat(40))).has("data/password/message", "Invalid value."),
        refused(
            "no address at all",
            json!({"email": "a@b", "password": "12345678", "passwordConfirm": "12345678"}),
        )
        .has("data/email/code", "validation_is_email"),
        refused("taken", account("us0000000000003", "own@b.co"))
            .has("data/email/code", "validation_not_unique"),
        refused("a taken id", account(OWN, "new@b.co")).has("data/id/code", "validation_not_unique"),
        refused("vouched for oneself", {
            let mut body = account("us0000000000003", "new@b.co");
            body["verified"] = json!(true);
            body
        })
        .has("data/verified/code", "validation_values_mismatch"),
        Scenario::new("d14: as it was typed", GUEST, "POST /api/collections/users/records", 200)
            .body(account("us0000000000003", "OWN@b.co")),
    ];
    check_all(&server, scenarios).await;
}

#[tokio::test]
async fn an_owner_changes_little_and_a_superuser_everything() {
    let server = with_users().await;
    let own = "PATCH /api/collections/users/records/us0000000000001";
    let new = |old: &str| json!({"password": "another horse", "passwordConfirm": "another horse", "oldPassword": old});
    let scenarios = vec![
        Scenario::new("a name", USER, own, 200)
            .body(json!({"name": "A", "email": "own@b.co"}))
            .has("name", "A"),
        Scenario::new("an address", USER, own, 400)
            .body(json!({"email": "new@b.co"}))
            .has("message", "Failed to update record.")
            .has("data/email/code", "validation_values_mismatch"),
        Scenario::new("verified", USER, own, 400)
            .body(json!({"verified": true}))
            .has("data/verified/code", "validation_values_mismatch"),
        Scenario::new("a password without the old one", USER, own, 400)
            .body(new(""))
            .has("data/oldPassword", json!({"code": "validation_required", "message": "Cannot be blank."})),
        Scenario::new("a password with a wrong old one", USER, own, 400).body(new("wrong horse")).has(
            "data/oldPassword",
            json!({"code": "validation_invalid_old_password", "message": "Missing or invalid old password."}),
        ),
        Scenario::new("a password", USER, own, 200).body(new("correct horse")).lacks("oldPassword"),
        Scenario::new("a superuser sets all of it", SUPERUSER, own, 200)
            .body(json!({
                "email": "new@b.co", "verified": true, "emailVisibility": true,
                "password": "12345678", "passwordConfirm": "12345678",
            }))
            .has("email", "new@b.co")
            .has("verified", true),
    ];
    check_all(&server, scenarios).await;
}

#[tokio::test]
async fn superusers_are_always_verified_and_the_last_one_stays() {
    let scenarios = vec![
        Scenario::new("make", SUPERUSER, "POST /api/collections/_superusers/records", 200)
            .body(account("su0000000000001", "a@b.co"))
            .has("verified", true)
            .has("email", "a@b.co")
            .lacks("tokenKey"),
        Scenario::new(
            "unverify",
            SUPERUSER,
            "PATCH /api/collections/_superusers/records/su0000000000001",
            200,
        )
        .body(json!({"verified": false}))
        .has("verified", true),
        Scenario::new("an id of a user", GUEST, "POST /api/collections/users/records", 400)
            .body(account("su0000000000001", "a@b.co"))
            .has("data/id/code", "validation_invalid_auth_id"),
        Scenario::new(
            "the last one",
            SUPERUSER,
            "DELETE /api/collections/_superusers/records/su0000000000001",
            400,
        )
        .says("You can't delete the only existing superuser."),
        Scenario::new("another", SUPERUSER, "POST /api/collections/_superusers/records", 200)
            .body(account("su0000000000002", "b@b.co")),
        Scenario::new(
            "not the last",
            SUPERUSER,
            "DELETE /api/collections/_superusers/records/su0000000000001",
            204,
        ),
    ];
    check_all(&Server::start().await, scenarios).await;
}
