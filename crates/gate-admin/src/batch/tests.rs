//! Contract §1.10, over a real database.

use crate::testing::{SUPERUSER, Scenario, Server, USER, check_all};
use serde_json::{Value, json};

const RECORDS: &str = "/api/collections/_proxies/records";

#[expect(clippy::needless_pass_by_value, reason = "reads better at every call")]
fn request(method: &str, url: impl AsRef<str>, body: Value) -> Value {
    json!({"method": method, "url": url.as_ref(), "body": body})
}

fn make(id: &str, path: &str) -> Value {
    request("POST", RECORDS, json!({"id": id, "path": path, "upstream": "http://a"}))
}

fn batch(name: &'static str, status: u16, requests: &[Value]) -> Scenario {
    Scenario::new(name, SUPERUSER, "POST /api/batch", status).body(json!({"requests": requests}))
}

#[tokio::test]
async fn a_batch_answers_what_each_request_would_be_answered() {
    let server = Server::start().await;
    let one = format!("{RECORDS}/aaaaaaaaaaaaaaa");
    let scenarios = vec![
        batch(
            "everything",
            200,
            &[
                make("aaaaaaaaaaaaaaa", "/-/a"),
                request("PATCH", format!("{one}?fields=timeout"), json!({"timeout": 5})),
                request("PUT", RECORDS, json!({"id": "aaaaaaaaaaaaaaa", "timeout": 6})),
                request(
                    "PUT",
                    RECORDS,
                    json!({"id": "bbbbbbbbbbbbbbb", "path": "/-/b", "upstream": "http://b"}),
                ),
                json!({"method": "DELETE", "url": one}),
            ],
        )
        .has("0/status", 200)
        .has("0/body/path", "/-/a")
        .has("1", json!({"body": {"timeout": 5}, "status": 200}))
        .has("2/body/timeout", 6)
        .has("2/body/path", "/-/a")
        .has("3/body/id", "bbbbbbbbbbbbbbb")
        .has("4", json!({"body": null, "status": 204})),
    ];
    check_all(&server, scenarios).await;
    let left = server.request("GET", RECORDS, SUPERUSER).await.json();
    assert_eq!((&left["totalItems"], &left["items"][0]["path"]), (&json!(1), &json!("/-/b")));
}

#[tokio::test]
async fn a_failure_says_which_request_it_was_and_undoes_the_others() {
    let server = Server::start().await;
    let taken = json!({"path": {"code": "validation_not_unique", "message": "Value must be unique."}});
    let failed = |response: Value| json!({"code": "batch_request_failed", "message": "Batch request failed.", "response": response});
    let not_found = json!({"data": {}, "message": "The requested resource wasn't found.", "status": 404});
    let collection = json!({"data": {}, "message": "Missing collection context.", "status": 404});
    let no_write = json!({
        "data": {}, "message": "Something went wrong while processing your request.", "status": 400,
    });
    let first = || make("aaaaaaaaaaaaaaa", "/-/a");
    let elsewhere = |url: &str| [first(), request("POST", url, json!({}))];
    let scenarios = vec![
        batch("a taken path", 400, &[first(), make("bbbbbbbbbbbbbbb", "/-/a")])
            .has("message", "Batch transaction failed.")
            .has("status", 400)
            .has(
                "data/requests",
                json!({"1": failed(json!({"data": taken, "message": "Failed to create record.", "status": 400}))}),
            ),
        batch("a missing record", 400, &[
            first(),
            request("PATCH", format!("{RECORDS}/ccccccccccccccc"), json!({"timeout": 5})),
        ])
        .has("data/requests", json!({"1": failed(not_found)})),
        batch("not a record", 400, &elsewhere("/api/settings"))
            .has("data/requests", json!({"1": failed(no_write.clone())})),
        batch("a login", 400, &elsewhere("/api/collections/users/auth-with-password"))
            .has("data/requests", json!({"1": failed(no_write.clone())})),
        batch("an unknown collection", 400, &elsewhere("/api/collections/unknown/records"))
            .has("data/requests", json!({"1": failed(collection)})),
        batch("a read", 400, &[request("GET", RECORDS, json!({}))])
            .has("data/requests", json!({"0": failed(no_write)})),
        Scenario::new("nothing is left", SUPERUSER, "GET /api/collections/_proxies/records", 200)
            .has("totalItems", 0),
    ];
    check_all(&server, scenarios).await;
}

#[tokio::test]
async fn only_superusers_send_batches_unless_the_settings_say_so() {
    let server = Server::start().await;
    let sign_up = request(
        "POST",
        "/api/collections/users/records",
        json!({
            "email": "a@b.co", "password": "12345678", "passwordConfirm": "12345678",
        }),
    );
    let with_header = json!({
        "method": "POST", "url": RECORDS, "headers": {"Authorization": "superuser"},
        "body": {"path": "/-/a", "upstream": "http://a"},
    });
    let send = |caller, status, request: &Value| {
        let scenario = Scenario::new("a batch", caller, "POST /api/batch", status);
        scenario.body(json!({"requests": [request]}))
    };
    let scenarios = vec![
        send("", 403, &sign_up).says("Batch requests are not allowed."),
        send(USER, 403, &sign_up).says("Batch requests are not allowed."),
        Scenario::new("allow", SUPERUSER, "PATCH /api/settings", 200)
            .body(json!({"batch": {"enabled": true}})),
        send("", 200, &sign_up).has("0/status", 200).lacks("0/body/email"),
        send("", 400, &with_header).has(
            "data/requests/0/response",
            json!({"data": {}, "message": "Only superusers can perform this action.", "status": 403}),
        ),
    ];
    check_all(&server, scenarios).await;
}

#[tokio::test]
async fn a_batch_has_one_to_fifty_requests() {
    let delete = request("DELETE", format!("{RECORDS}/aaaaaaaaaaaaaaa"), json!({}));
    let scenarios = vec![
        batch("none", 400, &[])
            .has("message", "Invalid batch request data.")
            .has("data/requests/code", "validation_required"),
        batch("too many", 400, &vec![delete; 51])
            .has("message", "Invalid batch request data.")
            .has("data/requests/params", json!({"max": 50, "min": 0})),
        Scenario::new("no list", SUPERUSER, "POST /api/batch", 400)
            .body(json!({"requests": "x"}))
            .says("Failed to read the submitted batch data."),
    ];
    check_all(&Server::start().await, scenarios).await;
}

#[tokio::test]
async fn the_sdks_send_a_multipart_form() {
    let server = Server::start().await;
    let requests = json!({"requests": [make("aaaaaaaaaaaaaaa", "/-/a")]});
    let body = format!(
        "--XX\r\nContent-Disposition: form-data; name=\"@jsonPayload\"\r\n\r\n{requests}\r\n--XX--\r\n"
    );
    let head =
        format!("Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: {}\r\n", body.len());
    let answer = server.raw("POST", "/api/batch", &format!("{SUPERUSER}{head}"), &body).await;
    assert_eq!((answer.status, &answer.json()[0]["body"]["path"]), (200, &json!("/-/a")));
}
