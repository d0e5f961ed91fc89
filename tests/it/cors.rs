//! Browsers that ask across origins: preflights are answered here by default, the rest is the upstream's (contract D-22).

use gate_testkit::{Answer, Echo, Fields, Gateway, H2Behaviour, H2Upstream, Proxy, TestAuthority, Upstream};

use crate::setup::{assert_refused, in_front_of, in_front_of_echo};

const ORIGIN: &str = "Origin: https://app.example";

#[tokio::test]
async fn a_preflight_is_answered_without_the_upstream() {
    let (gateway, upstream) = in_front_of_echo().await;
    let asked = "Access-Control-Request-Headers: authorization, content-type";
    let lines = [ORIGIN, "Access-Control-Request-Method: POST", asked];
    let response = gateway.connect().await.request("OPTIONS", "/-/up", &lines, b"").await;
    assert_eq!((response.status(), response.body.len()), (204, 0));
    assert!(
        ["*", "https://app.example"]
            .contains(&response.header("access-control-allow-origin").unwrap_or_default())
    );
    assert_eq!(response.header("access-control-allow-headers"), Some("authorization, content-type"));
    assert!(response.header("access-control-allow-methods").is_some_and(|methods| methods.contains("POST")));
    assert!(!response.head.headers.has("access-control-allow-credentials"));
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn d22_a_preflight_is_the_upstreams_where_its_proxy_says_so() {
    let upstream = Upstream::start(Echo).await;
    let leaves_it = Proxy::new("/-/open", &upstream.url()).forward_preflight();
    let private = Proxy::new("/-/private", &upstream.url()).forward_preflight().access_rule("");
    let gateway = Gateway::start([leaves_it, private]).await;
    let mut client = gateway.connect().await;
    let lines = [ORIGIN, "Access-Control-Request-Method: POST"];
    assert_eq!(client.request("OPTIONS", "/-/open", &lines, b"").await.status(), 200);
    let request = upstream.ledger.only_request();
    assert_eq!(request.head.method, "OPTIONS");
    assert_eq!(request.head.headers.values("access-control-request-method"), ["POST"]);
    let refused = client.request("OPTIONS", "/-/private", &lines, b"").await;
    assert_refused(&refused, 401, "unauthorized");
    assert_eq!(upstream.ledger.request_count(), 1);
}

#[tokio::test]
async fn a_preflight_asks_for_no_permission_but_for_a_proxy() {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::start([Proxy::new("/-/private", &upstream.url()).access_rule("")]).await;
    let mut client = gateway.connect().await;
    let lines = [ORIGIN, "Access-Control-Request-Method: GET"];
    assert_eq!(client.request("OPTIONS", "/-/private", &lines, b"").await.status(), 204);
    assert_refused(&client.request("OPTIONS", "/-/none", &lines, b"").await, 404, "not_found");
}

#[tokio::test]
async fn h40_other_options_requests_are_forwarded() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    for lines in [[].as_slice(), &[ORIGIN], &["Access-Control-Request-Method: GET"]] {
        assert_eq!(client.request("OPTIONS", "/-/up", lines, b"").await.status(), 200, "{lines:?}");
    }
    assert_eq!(upstream.ledger.request_count(), 3);
}

#[tokio::test]
async fn a_refusal_can_be_read_across_origins() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let response = gateway.connect().await.request("GET", "/-/none", &[ORIGIN], b"").await;
    assert_refused(&response, 404, "not_found");
    assert_eq!(response.head.headers.values("access-control-allow-origin").len(), 1, "{response:?}");
    assert!(!gateway.get("/-/none").await.head.headers.has("access-control-allow-origin"));
}

/// What a GET across origins gets.
async fn asked_across(gateway: &Gateway, target: &str) -> Fields {
    gateway.connect().await.request("GET", target, &[ORIGIN], b"").await.head.headers
}

/// Who may read an answer with those lines, and what it varies by.
async fn check_grant(lines: &str, allow_origin: &[&str], vary: &[&str]) {
    let answer = format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n");
    let (gateway, _upstream) = in_front_of(Answer::then_keep_open(answer)).await;
    let headers = asked_across(&gateway, "/-/up").await;
    assert_eq!(headers.values("access-control-allow-origin"), allow_origin, "{lines:?}");
    assert_eq!(headers.values("vary"), vary, "{lines:?}");
    let headers = gateway.get("/-/up").await.head.headers;
    assert_eq!(
        headers.values("vary").len(),
        usize::from(lines.to_lowercase().starts_with("vary")),
        "{headers:?}"
    );
}

#[tokio::test]
async fn d22_an_answer_can_be_read_across_origins_unless_it_says_otherwise() {
    check_grant("", &["*"], &["Origin"]).await;
    check_grant("Vary: Accept\r\n", &["*"], &["Accept", "Origin"]).await;
    check_grant("vary: Accept, origin\r\n", &["*"], &["Accept, origin"]).await;
    check_grant("Vary: *\r\n", &["*"], &["*"]).await;
    check_grant("Access-Control-Allow-Origin: https://a.example\r\n", &["https://a.example"], &[]).await;
}

#[tokio::test]
async fn d22_an_answer_can_be_read_across_origins_over_http2_too() {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::Echo).await;
    let gateway = Gateway::builder()
        .trusting(&authority)
        .proxy(Proxy::new("/-/up", &upstream.url()))
        .proxy(Proxy::new("/-/own", &upstream.url()).forward_preflight())
        .start()
        .await;
    let headers = asked_across(&gateway, "/-/up").await;
    assert_eq!(headers.values("access-control-allow-origin"), ["*"]);
    assert_eq!(headers.values("vary"), ["Origin"]);
    assert!(!asked_across(&gateway, "/-/own").await.has("access-control-allow-origin"));
}

#[tokio::test]
async fn who_may_read_an_answer_is_up_to_an_upstream_that_answers_preflights() {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::builder()
        .proxy(Proxy::new("/-/own", &upstream.url()).forward_preflight())
        .arguments([
            format!("--dev-proxy={}", upstream.url()),
            format!("--pocketbase-upstream={}", upstream.url()),
        ])
        .start()
        .await;
    for target in ["/-/own", "/page", "/api/collections/x/records"] {
        let headers = asked_across(&gateway, target).await;
        assert!(!headers.has("access-control-allow-origin") && !headers.has("vary"), "{target}: {headers:?}");
    }
    assert_eq!(upstream.ledger.request_count(), 3);
}
