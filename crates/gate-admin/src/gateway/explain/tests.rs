//! What would become of requests, over a real store.

use crate::testing::{Answer, SUPERUSER, Server};
use gate_testkit::{Echo, Peer, Upstream};
use serde_json::{Value, json};

/// A server with these proxies.
async fn server(proxies: &[Value]) -> Server {
    let server = Server::start().await;
    for proxy in proxies {
        let made = server.send("POST", "/api/collections/_proxies/records", SUPERUSER, proxy).await;
        assert_eq!(made.status, 200, "{}", made.body);
    }
    server
}

async fn ask(server: &Server, question: Value) -> Answer {
    server.send("POST", "/api/gateway/explain", SUPERUSER, &question).await
}

async fn explained(server: &Server, question: Value) -> Value {
    let answer = ask(server, question).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

async fn user(server: &Server, id: &str) -> Value {
    let body = json!({"id": id, "email": format!("{id}@a.example"), "password": "correct horse", "passwordConfirm": "correct horse", "name": "Ann"});
    let made = server.send("POST", "/api/collections/users/records", SUPERUSER, &body).await;
    assert_eq!(made.status, 200, "{}", made.body);
    json!({"collection": "users", "id": id})
}

fn proxy(path: &str, rule: &str, more: &Value) -> Value {
    let mut proxy =
        json!({"path": path, "upstream": "https://ai.example/v1", "accessRule": rule, "name": "AI"});
    let more = more.as_object().unwrap().clone();
    proxy.as_object_mut().unwrap().extend(more);
    proxy
}

#[track_caller]
fn check(explained: &Value, outcome: &str, reason: Option<&str>, message: &str) {
    let found = (&explained["outcome"], explained["refusal"].get("reason"), &explained["message"]);
    assert_eq!(found, (&json!(outcome), reason.map(Value::from).as_ref(), &json!(message)), "{explained}");
    assert_eq!(outcome == "forwarded", explained["upstream"].is_object());
}

const ANN: &str = "ann000000000001";

#[tokio::test]
async fn which_proxy_takes_a_path_or_why_none() {
    let inactive = proxy("/-/a/off", "true", &json!({"active": false}));
    let server = server(&[proxy("/-/a", "true", &json!({})), inactive]).await;
    let is = async |path: &str| explained(&server, json!({ "path": path })).await;
    check(&is("/-/a/b").await, "forwarded", None, "The request is forwarded by AI.");
    check(&is("/-/ab").await, "refused", Some("not_found"), "No proxy takes this path.");
    let off = is("/-/a/off/x").await;
    check(&off, "refused", Some("proxy_inactive"), "AI takes this path and is inactive.");
    assert_eq!((&off["proxy"]["path"], &off["refusal"]["status"]), (&json!("/-/a/off"), &json!(404)));
    let reserved = "The path belongs to the gateway itself; no proxy can take it.";
    check(&is("/%61pi/x").await, "control_plane", None, reserved);
    check(&is("/_/").await, "control_plane", None, reserved);
    let ambiguous = "The path means different things to different readers, and is refused.";
    check(&is("/-/a/../b").await, "refused", Some("bad_request"), ambiguous);
    let trace = explained(&server, json!({"path": "/-/a", "method": "TRACE"})).await;
    check(&trace, "refused", Some("method_not_allowed"), "CONNECT and TRACE are never forwarded.");
}

#[tokio::test]
async fn what_the_upstream_would_get() {
    let headers =
        json!({"X-Key": "canary-1", "X-Name": "@request.auth.name", "Authorization": "Bearer canary-2"});
    let server = server(&[proxy("/-/a", "true", &json!({ "headers": headers }))]).await;
    let question = json!({
        "path": "/-/a/chat%20x", "method": "POST", "query": {"q": "a b"},
        "headers": {
            "Content-Type": "text/plain", "x_key": "mine", "authorization": "Bearer sk-own", "Accept-Encoding": "gzip",
            "X-Real-IP": "1.2.3.4", "Connection": "X-Hop", "X-Hop": "1", "Content-Length": "3", "Cookie": "a=b",
        },
    });
    let answer = ask(&server, question).await;
    assert!(!answer.body.contains("canary"), "{}", answer.body);
    let answer = answer.json();
    let field = |name: &str, because: &str| json!({"name": name, "because": because});
    let injected = |name: &str, value: &str| json!({"name": name, "value": value});
    assert_eq!(
        answer["upstream"],
        json!({
            "method": "POST", "url": "https://ai.example/v1/chat%20x?q=a+b", "host": "ai.example",
            "forwarded": ["Content-Type", "Cookie"],
            "withheld": [
                field("Accept-Encoding", "encoding"), field("Connection", "hop_by_hop"),
                field("Content-Length", "framing"), field("X-Hop", "hop_by_hop"), field("X-Real-IP", "origin"),
                field("authorization", "injected"), field("x_key", "injected"),
            ],
            "injected": [injected("Authorization", "***"), injected("X-Key", "***"), injected("X-Name", "")],
        })
    );
}

#[tokio::test]
async fn the_rule_is_explained_part_by_part() {
    let rule = "@request.auth.id != '' && (@request.auth.name = 'Bob' || @request.headers.x_team = 'a')";
    let server = server(&[proxy("/-/a", rule, &json!({}))]).await;
    let ann = user(&server, ANN).await;
    let asked = json!({"path": "/-/a", "auth": ann, "headers": {"X-Team": "b"}});
    let denied = explained(&server, asked).await;
    let failed =
        "The access rule does not hold: not so is @request.auth.name = 'Bob', @request.headers.x_team = 'a'.";
    check(&denied, "refused", Some("forbidden"), failed);
    assert_eq!(denied["caller"], json!({"collection": "users", "id": ANN, "superuser": false}));
    let side = |text: &str, value: &str| json!({"text": text, "value": value});
    assert_eq!(
        denied["rule"],
        json!({
            "text": rule, "allows": false, "holds": false,
            "comparisons": [
                {"text": "@request.auth.id != ''", "left": side("@request.auth.id", ANN), "right": side("''", ""), "holds": true},
                {"text": "@request.auth.name = 'Bob'", "left": side("@request.auth.name", "Ann"), "right": side("'Bob'", "Bob"), "holds": false},
                {"text": "@request.headers.x_team = 'a'", "left": side("@request.headers.x_team", "b"), "right": side("'a'", "a"), "holds": false},
            ],
        })
    );
    let asked = json!({"path": "/-/a", "auth": ann, "headers": {"X-Team": "a"}});
    check(&explained(&server, asked).await, "forwarded", None, "The request is forwarded by AI.");
    let guest = explained(&server, json!({"path": "/-/a", "auth": "guest"})).await;
    assert_eq!((&guest["caller"], &guest["refusal"]["reason"]), (&Value::Null, &json!("unauthorized")));
}

#[tokio::test]
async fn a_rule_is_tried_before_it_is_saved() {
    let server = server(&[proxy("/-/a", "false", &json!({}))]).await;
    let with = |rule: &str| json!({"path": "/-/a/x", "headers": {"X-Team": "a"}, "rule": rule});
    let passes = explained(&server, with("@request.headers.x_team = 'a'")).await;
    check(&passes, "forwarded", None, "The request is forwarded by AI.");
    let denied = explained(&server, with("")).await;
    check(&denied, "refused", Some("unauthorized"), "The access rule denies this caller.");
    let refused = ask(&server, with("@request.headers.x_team =")).await;
    assert_eq!(
        (refused.status, &refused.json()["data"]["rule"]["code"]),
        (400, &json!("validation_invalid_rule"))
    );
}

#[tokio::test]
async fn h3_superusers_pass_everything_but_false() {
    let nobody = proxy("/-/nobody", "false", &json!({}));
    let server = server(&[proxy("/-/a", "", &json!({})), nobody]).await;
    let superuser = server.superusers.create("a@a.example", "correct horse battery").await.unwrap();
    let auth = json!({"collection": "_superusers", "id": superuser.id});
    let passes = explained(&server, json!({"path": "/-/a", "auth": auth})).await;
    assert_eq!(passes["rule"], json!({"text": "", "allows": true, "holds": null, "comparisons": []}));
    let denied = explained(&server, json!({"path": "/-/nobody", "auth": auth})).await;
    check(&denied, "refused", Some("forbidden"), "The access rule denies this caller.");
}

#[tokio::test]
async fn d8_the_token_of_somebody_who_is_named_stays_here_unless_the_proxy_forwards_it() {
    let forwards = proxy("/-/b", "true", &json!({"forwardAuth": true}));
    let server = server(&[proxy("/-/a", "true", &json!({})), forwards]).await;
    let auth = user(&server, ANN).await;
    let asked = |path: &str| json!({"path": path, "auth": auth, "headers": {"Cookie": "a=b"}});
    let kept = explained(&server, asked("/-/a")).await;
    let withheld = json!([
        {"name": "Cookie", "because": "credentials"}, {"name": "Authorization", "because": "credentials"},
    ]);
    assert_eq!(kept["upstream"]["withheld"], withheld);
    let sent = explained(&server, asked("/-/b")).await;
    assert_eq!(sent["upstream"]["forwarded"], json!(["Cookie", "Authorization"]));
}

#[tokio::test]
async fn a_token_among_the_headers_says_who_calls() {
    let server = server(&[proxy("/-/a", "true", &json!({}))]).await;
    user(&server, ANN).await;
    let impersonated = server
        .send("POST", &format!("/api/collections/users/impersonate/{ANN}"), SUPERUSER, &json!({}))
        .await;
    let token = impersonated.json()["token"].as_str().unwrap().to_owned();
    let with = async |token: &str| {
        let headers = json!({"Authorization": format!("Bearer {token}")});
        explained(&server, json!({"path": "/-/a", "headers": headers})).await
    };
    let known = with(&token).await;
    assert_eq!(known["caller"]["id"], ANN);
    assert_eq!(known["upstream"]["withheld"][0]["because"], "credentials");
    let (claims, signature) = token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let invalid = with(&format!("{claims}.{other}{}", &signature[1..])).await;
    assert_eq!((&invalid["caller"], &invalid["upstream"]["forwarded"]), (&Value::Null, &json!([])));
    let foreign = with("sk-1").await;
    assert_eq!(foreign["upstream"]["forwarded"], json!(["Authorization"]));
}

#[tokio::test]
async fn what_the_gateway_answers_itself_is_told() {
    let unresolved = proxy("/-/b", "true", &json!({"headers": {"A": "{secret.NONE}"}}));
    let server = server(&[proxy("/-/a", "", &json!({})), unresolved]).await;
    let mut preflight = json!({
        "path": "/-/a", "method": "OPTIONS", "headers": {"Origin": "http://b", "Access-Control-Request-Method": "POST"},
    });
    check(
        &explained(&server, preflight.clone()).await,
        "preflight",
        None,
        "A CORS preflight is answered by the gateway.",
    );
    preflight["path"] = "/-/c".into();
    preflight["proxy"] = proxy("/-/c", "true", &json!({"forwardPreflight": true}));
    assert_eq!(explained(&server, preflight).await["outcome"], "forwarded");
    let named = explained(&server, json!({"path": "/-/b"})).await;
    let message = "A header of AI names {secret.NONE}, which has no value.";
    check(&named, "refused", Some("template_unresolved"), message);
    let websocket = json!({"path": "/-/b", "headers": {"Connection": "Upgrade", "Upgrade": "websocket"}});
    let websocket = explained(&server, websocket).await;
    check(&websocket, "refused", Some("websocket_unsupported"), "WebSockets are not forwarded.");
}

#[tokio::test]
async fn a_question_that_is_none_is_400_with_an_error_a_field() {
    let server = server(&[]).await;
    for (question, field, code) in [
        (json!({}), "path", "validation_required"),
        (json!({"path": "a"}), "path", "validation_invalid_format"),
        (json!({"path": "/a b"}), "path", "validation_invalid_format"),
        (json!({"path": "/a\r\nX: y"}), "path", "validation_invalid_format"),
        (json!({"path": 1}), "path", "validation_invalid_value"),
        (json!({"path": "/a", "method": "GET /"}), "method", "validation_invalid_format"),
        (json!({"path": "/a", "headers": []}), "headers", "validation_invalid_value"),
        (json!({"path": "/a", "headers": {"A": "b\r\nC: d"}}), "headers", "validation_invalid_format"),
        (json!({"path": "/a", "headers": {"A b": "c"}}), "headers", "validation_invalid_format"),
        (json!({"path": "/a", "query": "a b"}), "query", "validation_invalid_format"),
        (json!({"path": "/a", "auth": "ann"}), "auth", "validation_invalid_value"),
        (
            json!({"path": "/a", "auth": {"collection": "_proxies", "id": "x"}}),
            "auth",
            "validation_invalid_value",
        ),
        (
            json!({"path": "/a", "auth": {"collection": "users", "id": "x"}}),
            "auth",
            "validation_missing_rel_records",
        ),
    ] {
        let shown = question.to_string();
        let answer = ask(&server, question).await;
        assert_eq!(
            (answer.status, &answer.json()["data"][field]["code"]),
            (400, &json!(code)),
            "{shown}: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn a_record_that_is_not_saved_is_looked_at_as_if_it_were() {
    let server = server(&[proxy("/-/a", "true", &json!({}))]).await;
    let saved = server.request("GET", "/api/collections/_proxies/records", SUPERUSER).await.json();
    let saved = &saved["items"][0];
    let new =
        json!({"path": "/-/a/new", "upstream": "http://b.example", "accessRule": "true", "name": "New"});
    let explained_new = explained(&server, json!({"path": "/-/a/new/x", "proxy": new})).await;
    check(&explained_new, "forwarded", None, "The request is forwarded by New.");
    assert_eq!(explained_new["upstream"]["url"], "http://b.example/x");
    let mut edited = saved.clone();
    edited["accessRule"] = json!("@request.auth.id != ''");
    let explained_edit = explained(&server, json!({"path": "/-/a", "auth": "guest", "proxy": edited})).await;
    assert_eq!(explained_edit["refusal"]["reason"], "unauthorized", "{explained_edit}");
    let as_saved = explained(&server, json!({"path": "/-/a", "auth": "guest"})).await;
    assert_eq!(as_saved["outcome"], "forwarded", "nothing was stored");
    let moved = explained(
        &server,
        json!({"path": "/-/a", "proxy": {"id": saved["id"], "path": "/-/b", "upstream": "http://b"}}),
    );
    assert_eq!(moved.await["refusal"]["reason"], "not_found");
}

#[tokio::test]
async fn a_record_that_could_not_be_saved_is_400_with_the_errors_a_save_would_have() {
    let server = server(&[proxy("/-/a", "true", &json!({}))]).await;
    for (record, field, code) in [
        (json!({"path": "/api/x", "upstream": "http://a"}), "path", "validation_reserved_path"),
        (json!({"path": "/-/a", "upstream": "http://a"}), "path", "validation_not_unique"),
        (json!({"path": "/-/b", "upstream": "ftp://a"}), "upstream", "validation_invalid_url"),
        (
            json!({"path": "/-/b", "upstream": "http://a", "accessRule": "a ="}),
            "accessRule",
            "validation_invalid_rule",
        ),
    ] {
        let answer = ask(&server, json!({"path": "/-/b", "proxy": record})).await;
        let found = (answer.status, answer.json()["data"]["proxy"][field]["code"].clone());
        assert_eq!(found, (400, json!(code)), "{}", answer.body);
    }
    let answer = ask(&server, json!({"path": "/-/b", "proxy": "x", "dial": "yes"})).await;
    let data = &answer.json()["data"];
    assert_eq!(data["proxy"]["code"], "validation_invalid_value", "{data}");
    assert_eq!(data["dial"]["code"], "validation_invalid_value", "{data}");
}

#[tokio::test]
async fn an_upstream_that_is_dialled_gets_what_it_would_get_and_the_answer_is_timed() {
    let upstream = Upstream::start(Echo).await;
    let server = server(&[]).await;
    let headers = json!({"X-Key": "canary-1", "X-Who": "@request.auth.name"});
    let record =
        json!({"path": "/-/a", "upstream": upstream.url(), "accessRule": "true", "headers": headers});
    let ann = user(&server, ANN).await;
    let question = json!({
        "path": "/-/a/models?status=201", "headers": {"X-Team": "b"}, "auth": ann, "proxy": record, "dial": true,
    });
    let answer = ask(&server, question).await;
    let dial = &answer.json()["dial"];
    assert_eq!((&dial["status"], &dial["method"]), (&json!(201), &json!("GET")), "{}", answer.body);
    assert_eq!(dial["address"], upstream.address().to_string());
    assert!(dial["tcp_ms"].is_number() && dial["answer_ms"].is_number(), "{dial}");
    assert_eq!(
        (&dial["dns_ms"], &dial["tls_ms"], &dial["error"]),
        (&json!(null), &json!(null), &json!(null))
    );
    assert!(!answer.body.contains("canary-1"), "{}", answer.body);
    let head = upstream.ledger.only_request().head;
    assert_eq!((head.method.as_str(), head.target.as_str()), ("GET", "/models?status=201"));
    assert_eq!(head.headers.values("x-key"), ["canary-1"]);
    assert_eq!(head.headers.values("x-who"), ["Ann"]);
    assert_eq!(head.headers.values("x-team"), ["b"]);
    assert_eq!(head.headers.values("host"), [upstream.address().to_string()]);
    assert!(!head.headers.has("authorization"), "H7");
}

#[tokio::test]
async fn nothing_is_changed_by_a_trial_and_of_what_would_be_refused_nothing_is_sent() {
    let upstream = Upstream::start(Echo).await;
    let server =
        server(&[proxy("/-/a", "@request.auth.id != ''", &json!({"upstream": upstream.url()}))]).await;
    let refused = explained(&server, json!({"path": "/-/a", "auth": "guest", "dial": true})).await;
    assert_eq!((&refused["dial"]["status"], &refused["dial"]["error"]), (&json!(null), &json!(null)));
    assert!(refused["dial"]["tcp_ms"].is_number(), "{refused}");
    assert_eq!(upstream.ledger.request_count(), 0);
    let ann = user(&server, ANN).await;
    let posted =
        explained(&server, json!({"path": "/-/a", "method": "POST", "auth": ann, "dial": true})).await;
    assert_eq!((&posted["dial"]["status"], &posted["dial"]["method"]), (&json!(200), &json!("HEAD")));
    let nowhere = explained(&server, json!({"path": "/-/nowhere", "dial": true})).await;
    assert_eq!(nowhere["dial"], json!(null));
}

#[tokio::test]
async fn where_a_trial_fails_is_told_in_the_words_of_the_data_plane() {
    let plain = Upstream::start(|mut peer: Peer| async move { peer.send("no TLS\r\n\r\n").await }).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = server(&[]).await;
    for (upstream, reason) in [
        (format!("http://{closed}"), "upstream_connect"),
        (plain.url().replace("http:", "https:"), "upstream_tls"),
    ] {
        let record = json!({"path": "/-/a", "upstream": upstream, "accessRule": "true"});
        let answer = explained(&server, json!({"path": "/-/a", "proxy": record, "dial": true})).await;
        let error = &answer["dial"]["error"];
        assert_eq!(error["reason"], reason, "{answer}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer}");
    }
}
