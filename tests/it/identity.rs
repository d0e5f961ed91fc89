//! Who may pass, and what a caller brings along: rules over the caller, secrets and the caller's fields in headers
//! (contract §2.4, §3.3, D-5, D-8; defects H1, H2, H4, H7, H9, H13).

use crate::administrator::{Administrator, PASSWORD, User, call};
use crate::setup::assert_refused;
use gate_testkit::{Echo, Gateway, Response, Upstream};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CANARY: &str = "canary-2b6a1c9f7e5d4038";

pub(crate) async fn start() -> (Gateway, Upstream) {
    (Gateway::start([]).await, Upstream::start(Echo).await)
}

/// A request with this `Authorization`, if any.
pub(crate) async fn get(
    gateway: &Gateway,
    path: &str,
    authorization: Option<&str>,
    more: &[&str],
) -> Response {
    let line = authorization.map(|value| format!("Authorization: {value}"));
    let lines: Vec<&str> = line.iter().map(String::as_str).chain(more.iter().copied()).collect();
    gateway.connect().await.request("GET", path, &lines, b"").await
}

/// A record of `_proxies`, `/-/up` in front of that upstream.
pub(crate) fn proxy(upstream: &Upstream, rule: &str, more: &Value) -> Value {
    let mut record = json!({"path": "/-/up", "upstream": upstream.url(), "accessRule": rule});
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record
}

#[tokio::test]
async fn r005_us2_ac1_r005_us2_ac2_an_empty_rule_passes_superusers_alone() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    administrator.proxy(proxy(&upstream, "", &json!({}))).await;
    let user = administrator.user("Bob").await;
    assert_refused(&get(&gateway, "/-/up", None, &[]).await, 401, "unauthorized");
    assert_refused(&get(&gateway, "/-/up", Some(&user.token), &[]).await, 403, "forbidden");
    assert!(upstream.ledger.is_untouched());
    assert_eq!(get(&gateway, "/-/up", Some(&administrator.token), &[]).await.status(), 200);
    let bearer = format!("Bearer {}", administrator.token);
    assert_eq!(get(&gateway, "/-/up", Some(&bearer), &[]).await.status(), 200);
}

#[tokio::test]
async fn r005_us2_ac4_r005_us2_ac5_a_rule_over_the_caller_refuses_guests_and_passes_users() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    administrator.proxy(proxy(&upstream, "@request.auth.id != ''", &json!({}))).await;
    let user = administrator.user("Bob").await;
    assert_refused(&get(&gateway, "/-/up", None, &[]).await, 401, "unauthorized");
    for bad in ["nonsense", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "Basic YTpi"] {
        assert_refused(&get(&gateway, "/-/up", Some(bad), &[]).await, 401, "unauthorized");
    }
    assert_eq!(get(&gateway, "/-/up", Some(&user.token), &[]).await.status(), 200);
}

#[tokio::test]
async fn r005_fr_004_h1_h2_every_part_of_a_rule_counts() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    for (number, rule) in [
        "@request.auth.id != '' && @request.auth.name = 'Ann'",
        "@request.auth.name='Ann'",
        "@request.auth.name = 'Nobody' || @request.auth.id != '' && @request.auth.name = \"Ann\"",
        "@request.auth.collectionName = 'users' && @request.auth.name ~ 'ann'",
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/-/{number}");
        administrator.proxy(proxy(&upstream, rule, &json!({"path": path}))).await;
    }
    let (ann, bob) = (administrator.user("Ann").await, administrator.user("Bob").await);
    for number in 0..4 {
        let path = format!("/-/{number}");
        assert_eq!(get(&gateway, &path, Some(&ann.token), &[]).await.status(), 200, "{number}");
        assert_refused(&get(&gateway, &path, Some(&bob.token), &[]).await, 403, "forbidden");
    }
    let record = proxy(&upstream, "role = 'admin'", &json!({"path": "/-/typo"}));
    let refused = administrator.call("POST", "/api/collections/_proxies/records", &record).await;
    assert_eq!(refused.json()["data"]["accessRule"]["code"], "validation_invalid_rule", "{}", refused.text());
}

#[tokio::test]
async fn r005_us3_ac2_r005_fr_006_a_secret_is_injected_and_stored_encrypted() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    administrator.must("POST", "/api/secrets", &json!({"key": "KEY", "value": CANARY})).await;
    let headers = json!({"headers": {"Authorization": "Bearer {secret.KEY}"}});
    administrator.proxy(proxy(&upstream, "true", &headers)).await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    administrator.must("PUT", "/api/secrets/KEY", &json!({"value": "rotated"})).await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    let sent: Vec<_> = upstream.ledger.requests().into_iter().map(|request| request.head.headers).collect();
    let sent: Vec<_> = sent.iter().map(|headers| headers.value("authorization").unwrap()).collect();
    assert_eq!(sent, [format!("Bearer {CANARY}"), "Bearer rotated".to_owned()]);
    for entry in std::fs::read_dir(gateway.directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            assert!(!found, "{} holds a secret in the clear", path.display());
        }
    }
    assert!(!gateway.log_text().contains(CANARY));
    administrator.must("DELETE", "/api/secrets/KEY", &Value::Null).await;
    assert_refused(&gateway.get("/-/up").await, 500, "template_unresolved");
}

#[tokio::test]
async fn r005_us3_ac3_r005_fr_007_h9_the_callers_fields_replace_what_the_client_says() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    let headers = json!({"headers": {"X-User-Id": "@request.auth.id", "X-Who": "n:@request.auth.name"}});
    administrator.proxy(proxy(&upstream, "true", &headers)).await;
    let User { id, token } = administrator.user("Bob").await;
    let spoofed = ["X-User-Id: admin", "X_User_Id: admin"];
    assert_eq!(get(&gateway, "/-/up", Some(&token), &spoofed).await.status(), 200);
    assert_eq!(get(&gateway, "/-/up", None, &spoofed).await.status(), 200);
    let requests = upstream.ledger.requests();
    let [of_user, of_guest] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(of_user.head.headers.values("x-user-id"), [id]);
    assert_eq!(of_user.head.headers.values("x-who"), ["n:Bob"]);
    assert!(!of_guest.head.headers.has("x-user-id"), "an empty value is not sent");
    assert_eq!(of_guest.head.headers.values("x-who"), ["n:"]);
}

#[tokio::test]
async fn h7_a_token_of_ours_stays_here_unless_forward_auth_says_otherwise() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    administrator.proxy(proxy(&upstream, "true", &json!({}))).await;
    let kept = json!({"path": "/-/kept", "forwardAuth": true});
    administrator.proxy(proxy(&upstream, "true", &kept)).await;
    let user = administrator.user("Bob").await;
    let mut tampered = user.token.clone();
    tampered.replace_range(tampered.len() - 4.., "AAAA");
    let cookie = ["Cookie: session=1"];
    for token in [&user.token, &tampered] {
        assert_eq!(get(&gateway, "/-/up", Some(token), &cookie).await.status(), 200);
        let headers = upstream.ledger.requests().pop().unwrap().head.headers;
        assert!(!headers.has("authorization") && !headers.has("cookie"), "{headers:?}");
    }
    for (path, token) in [("/-/kept", user.token.as_str()), ("/-/up", "Bearer sk-of-another-service")] {
        assert_eq!(get(&gateway, path, Some(token), &cookie).await.status(), 200);
        let headers = upstream.ledger.requests().pop().unwrap().head.headers;
        assert_eq!(
            (headers.values("authorization"), headers.values("cookie")),
            (vec![token], vec!["session=1"])
        );
    }
}

#[tokio::test]
async fn h13_a_field_that_cannot_stand_in_a_header_is_the_callers_fault() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    let headers = json!({"headers": {"X-Who": "@request.auth.name"}});
    administrator.proxy(proxy(&upstream, "true", &headers)).await;
    let user = administrator.user("Bob\r\nX-Admin: yes").await;
    assert_refused(&get(&gateway, "/-/up", Some(&user.token), &[]).await, 400, "bad_request");
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn a_token_that_was_revoked_is_refused_within_a_second() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    administrator.proxy(proxy(&upstream, "@request.auth.id != ''", &json!({}))).await;
    let user = administrator.user("Bob").await;
    assert_eq!(get(&gateway, "/-/up", Some(&user.token), &[]).await.status(), 200);
    let path = format!("/api/collections/users/records/{}", user.id);
    let change = json!({"password": "another password", "passwordConfirm": "another password"});
    administrator.must("PATCH", &path, &change).await;
    let changed = Instant::now();
    while get(&gateway, "/-/up", Some(&user.token), &[]).await.status() != 401 {
        assert!(changed.elapsed() < Duration::from_secs(1), "the old token is still good");
    }
}

#[tokio::test]
async fn r020_ec6_a_change_of_what_somebody_else_changed_meanwhile_is_refused() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    let record = administrator.proxy(proxy(&upstream, "true", &json!({}))).await;
    let path = format!("/api/collections/_proxies/records/{}", record["id"].as_str().unwrap());
    let change = |timeout: u32| json!({"timeout": timeout, "updated": record["updated"]});
    administrator.must("PATCH", &path, &change(5)).await;
    let refused = administrator.call("PATCH", &path, &change(6)).await;
    assert_eq!(refused.status(), 409, "{}", refused.text());
    assert_eq!(refused.json()["status"], 409);
    assert_eq!(administrator.must("GET", &path, &Value::Null).await["timeout"], 5);
}

#[tokio::test]
async fn r005_fr_001_the_collection_of_proxies_describes_itself() {
    let (gateway, _upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    let collection = administrator.must("GET", "/api/collections/_proxies", &Value::Null).await;
    let fields = collection["fields"].as_array().unwrap();
    for name in ["path", "upstream", "stripPath", "accessRule", "headers", "timeout", "active"] {
        assert!(fields.iter().any(|field| field["name"] == name), "{name} in {collection}");
    }
    assert_eq!(call(&gateway, "GET", "/api/collections", None, &Value::Null).await.status(), 401);
}

#[tokio::test]
async fn r005_sc_006_a_reserved_path_is_refused_at_once() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    let record = proxy(&upstream, "true", &json!({"path": "/api/users"}));
    let mut quickest = Duration::MAX;
    for _ in 0..5 {
        let started = Instant::now();
        let refused = administrator.call("POST", "/api/collections/_proxies/records", &record).await;
        quickest = quickest.min(started.elapsed());
        assert_eq!(refused.status(), 400);
        assert!(refused.json()["data"]["path"]["code"].is_string(), "{}", refused.text());
    }
    assert!(quickest < Duration::from_millis(50), "{quickest:?}");
}

#[tokio::test]
async fn somebody_who_guesses_passwords_is_held_back() {
    let (gateway, _upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    administrator.user("Bob").await;
    let guess = json!({"identity": "root@example.com", "password": "wrong password"});
    let path = "/api/collections/_superusers/auth-with-password";
    let mut last = call(&gateway, "POST", path, None, &guess).await;
    for _ in 0..15 {
        last = call(&gateway, "POST", path, None, &guess).await;
    }
    assert_eq!(last.status(), 429, "{}", last.text());
    assert!(last.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
    let right = json!({"identity": "root@example.com", "password": PASSWORD});
    assert_eq!(call(&gateway, "POST", path, None, &right).await.status(), 429, "not even with the right one");
}
