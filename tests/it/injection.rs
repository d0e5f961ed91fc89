//! Headers the gateway adds: static text and `{env.NAME}` (contract §3.3, D-7, D-24; defects H8 to H13).

use gate_testkit::{Echo, Gateway, GatewayBuilder, PATIENCE, Proxy, Upstream, eventually};

use crate::setup::assert_refused;

const CANARY: &str = "canary-6f1f0c5e9d3b4a7782e1c0ffee";

/// A gateway whose proxy `/-/up` injects one header, with `OPENAI_KEY` in its environment.
async fn injecting(line: &str, adapt: impl FnOnce(GatewayBuilder) -> GatewayBuilder) -> (Gateway, Upstream) {
    let upstream = Upstream::start(Echo).await;
    let proxies =
        [Proxy::new("/-/up", &upstream.url()).header(line), Proxy::new("/-/plain", &upstream.url())];
    let builder = Gateway::builder().proxies(proxies).environment("OPENAI_KEY", CANARY);
    (adapt(builder).start().await, upstream)
}

/// Checks that the proxy refuses, that its upstream is never contacted, and that others still work.
async fn assert_unresolved((gateway, upstream): (Gateway, Upstream)) {
    assert_refused(&gateway.get("/-/up").await, 500, "template_unresolved");
    assert!(upstream.ledger.is_untouched());
    assert_eq!(gateway.get("/-/plain").await.status(), 200, "another proxy is not affected");
    gateway.logged(|line| line.field("reason") == "template_unresolved").await;
}

#[tokio::test]
async fn r005_us3_ac1_env_is_injected() {
    let (gateway, upstream) = injecting("Authorization: Bearer {env.OPENAI_KEY}", |builder| builder).await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    let headers = upstream.ledger.only_request().head.headers;
    assert_eq!(headers.values("authorization"), [format!("Bearer {CANARY}")]);
}

#[tokio::test]
async fn r005_fr_005_text_around_and_between_expressions_stays() {
    let line = "X-Key: a {env.OPENAI_KEY}:{env.OTHER} {not} b";
    let (gateway, upstream) =
        injecting(line, |builder| builder.environment("OTHER", "{env.OPENAI_KEY}")).await;
    gateway.get("/-/up").await;
    let headers = upstream.ledger.only_request().head.headers;
    let expected = format!("a {CANARY}:{{env.OPENAI_KEY}} {{not}} b");
    assert_eq!(headers.values("x-key"), [expected], "a value is never scanned again");
}

#[tokio::test]
async fn static_text_is_injected() {
    let (gateway, upstream) = injecting("X-Team: red", |builder| builder).await;
    gateway.get("/-/up").await;
    assert_eq!(upstream.ledger.only_request().head.headers.values("x-team"), ["red"]);
}

#[tokio::test]
async fn r005_us3_ac3_a_clients_copy_of_an_injected_header_is_removed() {
    let (gateway, upstream) = injecting("X-Api-Key: {env.OPENAI_KEY}", |builder| builder).await;
    let mut client = gateway.connect().await;
    let copies = ["X-Api-Key: mine", "x-api-key: mine", "X-API-KEY: mine", "Connection: X-Api-Key"];
    assert_eq!(client.request("GET", "/-/up", &copies, b"").await.status(), 200);
    client.request("GET", "/-/up", &["X_Api_Key: mine"], b"").await;
    for request in upstream.ledger.requests() {
        assert_eq!(request.head.headers.values("x-api-key"), [CANARY]);
        assert!(!format!("{:?}", request.head.headers).contains("mine"), "{request:?}");
    }
}

#[tokio::test]
async fn a_trailer_cannot_bring_an_injected_header_in() {
    let (gateway, upstream) = injecting("X-Api-Key: {env.OPENAI_KEY}", |builder| builder).await;
    let mut client = gateway.connect().await;
    let head = "POST /-/up HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n";
    client
        .send(format!("{head}2\r\nok\r\n0\r\nX-Api-Key: mine\r\nAuthorization: mine\r\n\r\n"))
        .await
        .unwrap();
    assert_eq!(client.read_response().await.unwrap().status(), 200);
    let request = upstream.ledger.only_request();
    assert!(!format!("{request:?}").contains("mine"), "{request:?}");
}

#[tokio::test]
async fn r005_us3_ac4_unknown_variable_is_500_and_the_upstream_is_not_contacted() {
    assert_unresolved(injecting("X-Key: {env.NO_SUCH_VARIABLE}", |builder| builder).await).await;
}

#[tokio::test]
async fn r005_us3_ac4_an_empty_variable_counts_as_unknown() {
    assert_unresolved(injecting("X-Key: {env.EMPTY}", |builder| builder.environment("EMPTY", "")).await)
        .await;
}

#[tokio::test]
async fn h10_a_secret_that_does_not_exist_is_never_read_from_the_environment() {
    let (gateway, upstream) = injecting("X-Key: text", |builder| builder).await;
    let header = "X-Key: {secret.OPENAI_KEY}";
    gateway.proxies(["update", "/-/up", "--header", header]).await.succeeded();
    gateway.logged(|line| line.text.contains("secret.OPENAI_KEY")).await;
    assert_unresolved((gateway, upstream)).await;
}

#[tokio::test]
async fn the_gateways_own_secrets_are_never_injected() {
    let own = |builder: GatewayBuilder| builder.environment("PB_MASTER_KEY", "5f".repeat(32));
    assert_unresolved(injecting("X-Key: {env.PB_MASTER_KEY}", own).await).await;
    let own = |builder: GatewayBuilder| builder.environment("POCKETGATE_SECRET", CANARY);
    assert_unresolved(injecting("X-Key: {env.POCKETGATE_SECRET}", own).await).await;
}

#[tokio::test]
async fn env_allow_limits_what_may_be_injected() {
    let allow =
        |pattern: &'static str| move |builder: GatewayBuilder| builder.arguments(["--env-allow", pattern]);
    assert_unresolved(injecting("X-Key: {env.OPENAI_KEY}", allow("ANTHROPIC_*")).await).await;
    let (gateway, upstream) = injecting("X-Key: {env.OPENAI_KEY}", allow("OPENAI_*")).await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    assert_eq!(upstream.ledger.only_request().head.headers.values("x-key"), [CANARY]);
}

#[tokio::test]
async fn a_value_with_a_line_break_is_never_sent() {
    let split = |builder: GatewayBuilder| builder.environment("SPLIT", "a\r\nX-Admin: 1");
    let (gateway, upstream) = injecting("X-Key: {env.SPLIT}", split).await;
    assert_eq!(gateway.get("/-/up").await.status(), 500);
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn r005_sc_005_secrets_are_in_no_response_and_no_log() {
    let (gateway, upstream) = injecting("X-Key: {env.OPENAI_KEY}", |builder| builder).await;
    let url = upstream.url();
    drop(upstream);
    let address = url.trim_start_matches("http://").to_owned();
    eventually(PATIENCE, || std::net::TcpStream::connect(&address).is_err()).await;
    let response = gateway.get("/-/up").await;
    assert_refused(&response, 502, "upstream_connect");
    gateway.logged(|line| line.field("reason") == "upstream_connect").await;
    let listed = gateway.proxies(["list"]).await.succeeded() + &gateway.proxies(["export"]).await.succeeded();
    let everything = format!("{response:?}{}{listed}{}", response.text(), gateway.log_text());
    assert!(!everything.contains(CANARY), "{everything}");
}
