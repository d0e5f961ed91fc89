//! Injected headers that name secrets and the caller, as an administrator writes them (contract §3.3, D-24; defects H8,
//! H11, H12, H14, H15).

use crate::administrator::Administrator;
use crate::identity::{get, proxy, start};
use crate::setup::assert_refused;
use serde_json::{Value, json};

const PROXIES: &str = "/api/collections/_proxies/records";

#[tokio::test]
async fn h8_one_header_that_cannot_be_made_stops_the_request() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    administrator.must("POST", "/api/secrets", &json!({"key": "GOOD", "value": "sk-1"})).await;
    let headers = json!({"headers": {"X-Good": "{secret.GOOD}", "X-Bad": "{secret.GONE}", "X-Text": "text"}});
    administrator.proxy(proxy(&upstream, "true", &headers)).await;
    let user = administrator.user("Bob").await;
    for authorization in [None, Some(user.token.as_str()), Some("Bearer of-another-service")] {
        let response = get(&gateway, "/-/up", authorization, &["X-Good: mine"]).await;
        assert_refused(&response, 500, "template_unresolved");
    }
    assert!(upstream.ledger.is_untouched(), "not even without the headers");
    administrator.must("POST", "/api/secrets", &json!({"key": "GONE", "value": "sk-2"})).await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    let sent = upstream.ledger.only_request().head.headers;
    assert_eq!(["x-good", "x-bad", "x-text"].map(|name| sent.value(name).unwrap()), ["sk-1", "sk-2", "text"]);
}

#[tokio::test]
async fn h8_a_header_of_the_caller_that_cannot_be_made_stops_the_request() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    let headers = json!({"headers": {"X-Who": "@request.auth.name", "X-Text": "text"}});
    administrator.proxy(proxy(&upstream, "true", &headers)).await;
    let user = administrator.user("Bob\nX-Admin: yes").await;
    assert_refused(&get(&gateway, "/-/up", Some(&user.token), &[]).await, 400, "bad_request");
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn h11_what_a_value_contains_is_never_taken_for_a_template() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    let tricky = "{env.PATH}{secret.OTHER}@request.auth.email";
    for (key, value) in [("OTHER", "canary"), ("TRICKY", tricky)] {
        administrator.must("POST", "/api/secrets", &json!({"key": key, "value": value})).await;
    }
    let headers = json!({"headers": {"X-Secret": "a {secret.TRICKY}", "X-Who": "b @request.auth.name"}});
    administrator.proxy(proxy(&upstream, "true", &headers)).await;
    let user = administrator.user(tricky).await;
    assert_eq!(get(&gateway, "/-/up", Some(&user.token), &[]).await.status(), 200);
    let sent = upstream.ledger.only_request().head.headers;
    assert_eq!(sent.values("x-secret"), [format!("a {tricky}")]);
    assert_eq!(sent.values("x-who"), [format!("b {tricky}")]);
}

#[tokio::test]
async fn h12_a_flag_of_the_caller_is_sent_as_a_word() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    let headers = json!({"headers": {"X-Verified": "@request.auth.verified"}});
    administrator.proxy(proxy(&upstream, "true", &headers)).await;
    let user = administrator.user("Bob").await;
    assert_eq!(get(&gateway, "/-/up", Some(&user.token), &[]).await.status(), 200);
    assert_eq!(upstream.ledger.only_request().head.headers.values("x-verified"), ["false"]);
}

#[tokio::test]
async fn h14_headers_are_texts_or_the_record_is_refused() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    for value in [json!(5), json!(null), json!(true), json!(["a"]), json!({"a": "b"})] {
        let headers = json!({"headers": {"X-Good": "text", "X-Bad": value}});
        let refused = administrator.call("POST", PROXIES, &proxy(&upstream, "true", &headers)).await;
        assert_eq!(refused.status(), 400, "{value}");
        let error = &refused.json()["data"]["headers"];
        assert_eq!(error["code"], "validation_invalid_value", "{value}: {error}");
        assert!(error["message"].as_str().unwrap().contains("X-Bad"), "{error}");
    }
    assert_eq!(administrator.must("GET", PROXIES, &Value::Null).await["totalItems"], 0);
    assert_refused(&gateway.get("/-/up").await, 404, "not_found");
}

#[tokio::test]
async fn h15_names_that_frame_or_route_a_message_are_refused_at_save() {
    let (gateway, upstream) = start().await;
    let administrator = Administrator::of(&gateway).await;
    for name in ["Host", "connection", "Content-Length", "Transfer_Encoding", "TE", "Upgrade", "Keep-Alive"] {
        let headers = json!({"headers": {"X-Good": "text", name: "x"}});
        let refused = administrator.call("POST", PROXIES, &proxy(&upstream, "true", &headers)).await;
        assert_eq!(refused.status(), 400, "{name}");
        assert_eq!(refused.json()["data"]["headers"]["code"], "validation_invalid_format", "{name}");
    }
}
