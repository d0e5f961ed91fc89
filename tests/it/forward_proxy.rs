//! `--upstream-proxy-env`: another proxy on the way to the upstreams, and only when asked for (defect H47).

use gate_testkit::{Answer, Echo, Gateway, GatewayBuilder, Pocketgate, Proxy, Upstream};

use crate::cli::assert_refuses;
use crate::setup::assert_refused;

/// A gateway whose environment names a forward proxy.
async fn started(
    url: &str,
    proxy: &Upstream,
    adapt: impl FnOnce(GatewayBuilder) -> GatewayBuilder,
) -> Gateway {
    let builder = Gateway::builder().proxy(Proxy::new("/-/up", url)).environment("NO_PROXY", "");
    let builder = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"]
        .into_iter()
        .fold(builder, |builder, name| builder.environment(name, proxy.url()));
    adapt(builder).start().await
}

fn asked_for(builder: GatewayBuilder) -> GatewayBuilder {
    builder.arguments(["--upstream-proxy-env"])
}

#[tokio::test]
async fn an_http_upstream_is_asked_for_in_absolute_form() {
    let (upstream, proxy) = (Upstream::start(Echo).await, Upstream::start(Echo).await);
    let gateway = started(&upstream.url(), &proxy, asked_for).await;
    let response = gateway.get("/-/up/x?y").await;
    assert_eq!(response.status(), 200, "{}", response.text());
    let head = proxy.ledger.only_request().head;
    assert_eq!(head.target, format!("{}/x?y", upstream.url()));
    assert_eq!(head.headers.values("host"), [upstream.address().to_string()]);
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn no_path_makes_another_host_of_the_upstreams() {
    let (upstream, proxy) = (Upstream::start(Echo).await, Upstream::start(Echo).await);
    let gateway = started(&upstream.url(), &proxy, asked_for).await;
    for target in ["/-/up%2f@127.0.0.2/x", "/-/up%2F", "//-/up%2f:80@127.0.0.2/x"] {
        assert_refused(&gateway.get(target).await, 400, "bad_request");
    }
    assert!(proxy.ledger.is_untouched() && upstream.ledger.is_untouched());
    let response = gateway.get("/-/up/@127.0.0.2/x").await;
    assert_eq!(response.status(), 200, "{}", response.text());
    assert_eq!(proxy.ledger.only_request().head.target, format!("{}/@127.0.0.2/x", upstream.url()));
}

#[tokio::test]
async fn an_https_upstream_is_reached_through_a_tunnel() {
    let upstream = Upstream::start(Echo).await;
    let proxy = Upstream::start(Answer::then_close("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")).await;
    let gateway = started(&upstream.url().replace("http:", "https:"), &proxy, asked_for).await;
    let response = gateway.get("/-/up").await;
    assert_refused(&response, 502, response.gateway_reason());
    let head = proxy.ledger.only_request().head;
    assert_eq!((head.method.as_str(), head.target), ("CONNECT", upstream.address().to_string()));
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn h47_the_environment_alone_changes_nothing() {
    let (upstream, proxy) = (Upstream::start(Echo).await, Upstream::start(Echo).await);
    let gateway = started(&upstream.url(), &proxy, |builder| builder).await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    assert_eq!(upstream.ledger.request_count(), 1);
    assert!(proxy.ledger.is_untouched());
}

#[tokio::test]
async fn no_proxy_names_exceptions() {
    for port in [String::new(), ":PORT".to_owned()] {
        let (upstream, proxy) = (Upstream::start(Echo).await, Upstream::start(Echo).await);
        let port = port.replace("PORT", &upstream.address().port().to_string());
        let except =
            |builder| asked_for(builder).environment("NO_PROXY", format!("example.com,127.0.0.1{port}"));
        let gateway = started(&upstream.url(), &proxy, except).await;
        assert_eq!(gateway.get("/-/up").await.status(), 200);
        assert_eq!(upstream.ledger.request_count(), 1);
        assert!(proxy.ledger.is_untouched());
    }
}

/// What is sent to it, credentials first, would not be encrypted.
#[tokio::test]
async fn a_proxy_that_wants_tls_is_refused_at_start() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["HTTP_PROXY", "https_proxy"] {
        let mut command = Pocketgate::command();
        command
            .args(["serve", "--http", "127.0.0.1:0", "--upstream-proxy-env", "--dir"])
            .arg(directory.path());
        command.env_remove("http_proxy").env(name, "https://user:secret@127.0.0.1:9");
        let output = Pocketgate::finish(command).await;
        assert_refuses(&output, &[&name.to_uppercase(), "must start with http://"]);
        assert!(!output.stderr.contains("secret"), "{output:#?}");
    }
}
