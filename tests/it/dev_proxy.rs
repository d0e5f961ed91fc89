//! `--dev-proxy URL` takes what nothing else matched (005-US5).

use gate_testkit::{Echo, Gateway, Pocketgate, Proxy, Upstream};

/// A gateway with a proxy `/-/up` and a development server for the rest; returns both upstreams.
async fn started() -> (Gateway, Upstream, Upstream) {
    let (proxied, development) = (Upstream::start(Echo).await, Upstream::start(Echo).await);
    let gateway = Gateway::builder()
        .proxies([Proxy::new("/-/up", &proxied.url()), Proxy::new("/-/off", &proxied.url()).active(false)])
        .arguments([format!("--dev-proxy={}", development.url())])
        .start()
        .await;
    (gateway, proxied, development)
}

#[tokio::test]
async fn r005_us5_ac1_r005_fr_012_a_page_comes_from_the_development_server() {
    let (gateway, _proxied, development) = started().await;
    for target in ["/", "/index.html", "/src/App.tsx?v=1", "/@vite/client", "/-/other"] {
        assert_eq!(gateway.get(target).await.json()["target"], target);
    }
    assert_eq!(development.ledger.request_count(), 5);
}

#[tokio::test]
async fn r005_us5_ac2_the_api_stays_here() {
    let (gateway, _proxied, development) = started().await;
    assert_eq!(gateway.get("/api/collections").await.status(), 401, "ours, and not for guests");
    assert_eq!(gateway.get("/api/health").await.status(), 200);
    assert!(development.ledger.is_untouched());
}

#[tokio::test]
async fn r005_us5_ac3_proxies_come_first() {
    let (gateway, proxied, development) = started().await;
    assert_eq!(gateway.get("/-/up/x").await.status(), 200);
    assert_eq!(proxied.ledger.request_count(), 1);
    assert_eq!(gateway.get("/-/off").await.gateway_reason(), "proxy_inactive");
    assert!(development.ledger.is_untouched());
}

#[tokio::test]
async fn the_development_server_gets_its_own_host() {
    let (gateway, _proxied, development) = started().await;
    gateway.get("/").await;
    let headers = development.ledger.only_request().head.headers;
    assert_eq!(headers.values("host"), [development.address().to_string()]);
}

#[tokio::test]
async fn options_about_the_whole_server_has_no_path() {
    let development = Upstream::start(Echo).await;
    let url = format!("{}/base", development.url());
    let gateway = Gateway::builder().arguments([format!("--dev-proxy={url}")]).start().await;
    assert_eq!(gateway.connect().await.request("OPTIONS", "*", &[], b"").await.status(), 200);
    assert_eq!(development.ledger.only_request().head.target, "*");
    let builder =
        Gateway::builder().arguments([format!("--dev-proxy={url}"), "--upstream-proxy-env".to_owned()]);
    let forward_proxy = Upstream::start(Echo).await;
    let builder = builder.environment("NO_PROXY", "").environment("HTTP_PROXY", forward_proxy.url());
    let response = builder.start().await.connect().await.request("OPTIONS", "*", &[], b"").await;
    assert_eq!(response.status(), 200);
    assert_eq!(forward_proxy.ledger.only_request().head.target, development.url());
}

#[tokio::test]
async fn a_url_that_is_none_is_bad_usage() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    for url in ["nonsense", "ftp://127.0.0.1", "http://"] {
        let output =
            Pocketgate::run(["serve", "--http", "127.0.0.1:0", "--dir", path, "--dev-proxy", url]).await;
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{output:?}");
    }
}
