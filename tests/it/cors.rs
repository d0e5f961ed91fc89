//! Browsers that ask across origins: preflights are answered here by default, the rest is the upstream's (contract D-22).

use gate_testkit::{Echo, Gateway, Proxy, Upstream};

use crate::setup::{assert_refused, in_front_of_echo};

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
