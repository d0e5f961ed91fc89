//! `/api` and `/_` belong to the gateway itself, in every spelling (contract §1.1, §1.11, §3.1).

use gate_testkit::{Echo, Gateway, Proxy, RawClient, Response, Signal, Upstream};

use crate::setup::{assert_refused, in_front_of_echo};

/// A fresh gateway whose every unmatched path would lead to a development server.
async fn with_dev_proxy() -> (Gateway, Upstream) {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::builder().arguments(["--dev-proxy", &upstream.url()]).start().await;
    (gateway, upstream)
}

/// PocketBase's error body of the control plane.
#[track_caller]
fn assert_not_found(response: &Response) {
    assert_eq!(response.status(), 404, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/json"));
    let body = response.json();
    assert_eq!(body["status"], 404);
    assert_eq!(body["message"], "The requested resource wasn't found.");
    assert_eq!(body["data"], serde_json::json!({}));
}

#[tokio::test]
async fn health_has_the_shape_the_sdks_know() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let response = gateway.get("/api/health").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.text(), "{\"message\":\"API is healthy.\",\"code\":200,\"data\":{}}\n");
    assert_eq!(response.header("content-type"), Some("application/json"));
    for (name, value) in [
        ("x-xss-protection", "1; mode=block"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "SAMEORIGIN"),
    ] {
        assert_eq!(response.head.headers.values(name), [value]);
    }
}

#[tokio::test]
async fn health_answers_head_and_preflight() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let head = client.request("HEAD", "/api/health", &[], b"").await;
    assert_eq!((head.status(), head.body.len()), (200, 0));
    let lines = ["Origin: https://app.example", "Access-Control-Request-Method: GET"];
    let preflight = client.request("OPTIONS", "/api/health", &lines, b"").await;
    assert_eq!((preflight.status(), preflight.header("access-control-allow-origin")), (204, Some("*")));
    assert_eq!(client.get("/api/health").await.status(), 200);
}

#[tokio::test]
async fn unknown_routes_and_methods_are_404_in_pocketbases_shape() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    for (method, target) in [
        ("GET", "/api"),
        ("GET", "/api/"),
        ("GET", "/api/none"),
        ("GET", "/api/health/"),
        ("POST", "/api/health"),
        ("DELETE", "/api/health"),
        ("GET", "/api/collections/users/auth-with-password"),
        ("GET", "/_/none"),
    ] {
        assert_not_found(&client.request(method, target, &[], b"{}").await);
    }
}

#[tokio::test]
async fn the_page_says_what_this_is() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let response = gateway.get("/_/").await;
    assert_eq!(response.status(), 200);
    assert!(response.header("content-type").is_some_and(|value| value.starts_with("text/html")));
    assert!(response.text().contains("pocketgate"));
}

#[tokio::test]
async fn r005_us4_ac2_r005_fr_008_reserved_paths_stay_here_in_every_spelling() {
    let (gateway, upstream) = with_dev_proxy().await;
    let mut client = gateway.connect().await;
    for target in [
        "/api",
        "/api/",
        "/api/x",
        "/API/x",
        "/Api/x",
        "/%61pi/x",
        "/%61%70%69/x",
        "/ap%69/x",
        "/%41PI/x",
        "//api/x",
        "///api//x",
        "/api%2fx",
        "/api%2Fx",
        "/_",
        "/_/",
        "/_/x",
        "/%5f/x",
        "/%5F/x",
        "//_/x",
        "/_%2fx",
        "/api?x",
        "/_?x",
        "/_gateway",
        "/_gateway/x",
        "/%5fgateway/x",
    ] {
        let response = client.get(target).await;
        assert!([200, 308, 400, 404].contains(&response.status()), "{target}: {response:?}");
    }
    for target in [
        "/./api/x",
        "/x/../api/x",
        "/x/%2e%2e/api/x",
        "/..;/api/x",
        "/.%2f_/x",
        "/x/..%2fapi/x",
        "/%252fapi/x",
    ] {
        let response = gateway.get(target).await;
        assert!([200, 400, 404].contains(&response.status()), "{target}: {response:?}");
    }
    assert!(upstream.ledger.is_untouched(), "{:#?}", upstream.ledger.requests());
}

#[tokio::test]
async fn paths_that_only_look_reserved_are_not() {
    let (gateway, upstream) = with_dev_proxy().await;
    for target in ["/apis", "/api.html", "/x/api", "/__", "/_x", "/x/_/", "/-/api"] {
        assert_eq!(gateway.get(target).await.status(), 200, "{target}");
    }
    assert_eq!(upstream.ledger.request_count(), 7);
}

#[tokio::test]
async fn r019_us1_ac3_r019_us1_ac4_r019_fr_010_a_fresh_directory_needs_no_flags() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::builder().directory(&directory.path().join("new/data")).start().await;
    assert_eq!(gateway.get("/api/health").await.status(), 200);
    gateway.proxies(["list"]).await.succeeded();
    let upstream = Upstream::start(Echo).await;
    gateway.add(&Proxy::new("/-/x", &upstream.url())).await;
    gate_testkit::within(gate_testkit::PATIENCE, async {
        while gateway.get("/-/x").await.status() != 200 {}
    })
    .await;
}

#[tokio::test]
async fn what_a_client_claims_about_its_path_decides_nothing() {
    let (gateway, upstream) = in_front_of_echo().await;
    let lines = ["X-Original-URL: /-/up", "X-Rewrite-URL: /-/up", "X-HTTP-Method-Override: DELETE"];
    let response = gateway.connect().await.request("GET", "/api/health", &lines, b"").await;
    assert_eq!(response.json()["code"], 200);
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn large_and_chunked_bodies_to_the_control_plane_keep_the_connection_in_step() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    assert_not_found(&client.request("POST", "/api/none", &[], &vec![b' '; 100_000]).await);
    let mut client = gateway.connect().await;
    client
        .send("POST /api/none HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
        .await
        .unwrap();
    assert_not_found(&client.read_response().await.unwrap());
    assert_eq!(client.get("/-/up").await.status(), 200);
}

#[tokio::test]
async fn d26_with_a_listener_of_its_own_it_is_nowhere_else_and_nothing_else_is_there() {
    let (upstream, development) = (Upstream::start(Echo).await, Upstream::start(Echo).await);
    let mut gateway = Gateway::builder()
        .proxy(Proxy::new("/-/up", &upstream.url()))
        .arguments(["--admin-listen", "127.0.0.1:0", "--dev-proxy", &development.url()])
        .start()
        .await;
    let line = gateway.logged(|line| line.text.contains("are served here alone")).await;
    let mut admin = RawClient::connect(line.field("address").parse().unwrap()).await;
    let mut client = gateway.connect().await;
    for target in ["/api/health", "/_/", "/_gateway/api/health", "/api/gateway/ready"] {
        assert_refused(&client.get(target).await, 404, "not_found");
        assert_eq!(admin.get(target).await.status(), 200, "{target}");
    }
    for target in ["/API/health", "/%61pi/health", "//_/"] {
        assert_refused(&client.get(target).await, 404, "not_found");
    }
    assert!(development.ledger.is_untouched(), "what is reserved leads nowhere else");
    for target in ["/-/up", "/page"] {
        assert_eq!(client.get(target).await.status(), 200, "{target}");
        assert_refused(&admin.get(target).await, 404, "not_found");
    }
    gateway.signal(Signal::Terminate);
    admin.expect_closed().await;
    assert_eq!(gateway.exit_code().await, Some(0));
}
