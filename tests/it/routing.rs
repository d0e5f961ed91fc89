//! Which upstream a path leads to, and as what it arrives there (contract §3.2).

use gate_testkit::{Echo, Gateway, Proxy, Upstream};

use crate::setup::{assert_refused, in_front_of_echo};

/// Sends a GET through a proxy and returns the target the upstream saw.
async fn forwarded(path: &str, base: &str, strip: bool, target: &str) -> String {
    let upstream = Upstream::start(Echo).await;
    let proxy = Proxy::new(path, &(upstream.url() + base)).strip_path(strip);
    let gateway = Gateway::start([proxy]).await;
    assert_eq!(gateway.get(target).await.status(), 200, "{target}");
    upstream.ledger.only_request().head.target
}

#[tokio::test]
async fn r005_us1_ac3_prefix_is_replaced_by_the_upstream_base_path() {
    let target = forwarded("/-/openai", "/v1", true, "/-/openai/chat/completions").await;
    assert_eq!(target, "/v1/chat/completions");
}

#[tokio::test]
async fn r005_us1_ac4_strip_path_takes_the_prefix_off() {
    assert_eq!(forwarded("/-/openai", "", true, "/-/openai/models").await, "/models");
}

#[tokio::test]
async fn r005_us1_ac4_without_strip_path_the_prefix_stays() {
    assert_eq!(forwarded("/-/openai", "", false, "/-/openai/models").await, "/-/openai/models");
    assert_eq!(forwarded("/-/openai", "/v1", false, "/-/openai/models").await, "/v1/-/openai/models");
}

#[tokio::test]
async fn r005_us4_ac3_a_path_below_the_usual_prefix_is_routed() {
    assert_eq!(forwarded("/-/gpt4", "", true, "/-/gpt4/x").await, "/x");
}

#[tokio::test]
async fn h30_r005_us4_ac4_any_stored_path_is_routed() {
    assert_eq!(
        forwarded("/v1/chat/completions", "", false, "/v1/chat/completions").await,
        "/v1/chat/completions"
    );
}

#[tokio::test]
async fn h31_r005_ec3_inactive_proxy_is_404_and_does_not_fall_through() {
    let upstream = Upstream::start(Echo).await;
    let short = Proxy::new("/-/a", &upstream.url());
    let long = Proxy::new("/-/a/b", &upstream.url()).active(false);
    let gateway = Gateway::start([short, long]).await;
    assert_refused(&gateway.get("/-/a/b/c").await, 404, "proxy_inactive");
    assert!(upstream.ledger.is_untouched());
    assert_eq!(gateway.get("/-/a/c").await.status(), 200);
}

#[tokio::test]
async fn r005_ec4_longest_prefix_of_whole_segments_wins() {
    let (short, long) = (Upstream::start(Echo).await, Upstream::start(Echo).await);
    let gateway = Gateway::start([Proxy::new("/-/a", &short.url()), Proxy::new("/-/a/b", &long.url())]).await;
    let mut client = gateway.connect().await;
    for target in ["/-/a", "/-/a/", "/-/a/x", "/-/a/bc"] {
        assert_eq!(client.get(target).await.status(), 200, "{target}");
    }
    for target in ["/-/a/b", "/-/a/b/", "/-/a/b/c?d"] {
        assert_eq!(client.get(target).await.status(), 200, "{target}");
    }
    assert_eq!((short.ledger.request_count(), long.ledger.request_count()), (4, 3));
    assert_refused(&client.get("/-/ab").await, 404, "not_found");
}

#[tokio::test]
async fn r005_fr_002_every_method_is_forwarded() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get"];
    for method in methods {
        assert_eq!(client.request(method, "/-/up/x", &[], b"").await.status(), 200, "{method}");
    }
    let seen: Vec<_> = upstream.ledger.requests().into_iter().map(|request| request.head.method).collect();
    assert_eq!(seen, methods);
}

#[tokio::test]
async fn h33_r005_fr_009_percent_encoding_is_left_untouched() {
    assert_eq!(forwarded("/-/openai", "", true, "/-/open%61i/a%2Fb%20%E2%82%AC").await, "/a%2Fb%20%E2%82%AC");
    assert_eq!(forwarded("/-/openai", "", false, "/-/open%61i/x").await, "/-/open%61i/x");
}

#[tokio::test]
async fn the_query_is_passed_as_it_is() {
    let query = "?a=1&a=2&b=%2F+%zz;c&=&{x}";
    let sendable = query.replace(['{', '}'], "");
    assert_eq!(
        forwarded("/-/up", "/v1", true, &format!("/-/up/x{sendable}")).await,
        format!("/v1/x{sendable}")
    );
    assert_eq!(forwarded("/-/up", "", true, "/-/up/x?").await, "/x?");
    assert_eq!(forwarded("/-/up", "", true, "/-/up/x?next=/../admin//").await, "/x?next=/../admin//");
}

#[tokio::test]
async fn an_empty_rest_becomes_the_base_path() {
    assert_eq!(forwarded("/-/up", "", true, "/-/up").await, "/");
    assert_eq!(forwarded("/-/up", "", true, "/-/up?x=1").await, "/?x=1");
    assert_eq!(forwarded("/-/up", "/v1", true, "/-/up").await, "/v1");
    assert_eq!(forwarded("/-/up", "/v1/", true, "/-/up/x").await, "/v1/x");
    assert_eq!(forwarded("/-/up", "/v1", true, "/-/up/").await, "/v1/");
}

#[tokio::test]
async fn h32_a_prefix_stored_with_a_trailing_slash_routes_what_is_below() {
    assert_eq!(forwarded("/-/up/", "", true, "/-/up/x").await, "/x");
}

#[tokio::test]
async fn an_absolute_target_is_routed_by_its_path() {
    let (gateway, upstream) = in_front_of_echo().await;
    let response = gateway.get("http://gateway.test/-/up/x?y").await;
    assert_eq!(response.status(), 200);
    assert_eq!(upstream.ledger.only_request().head.target, "/x?y");
}

#[tokio::test]
async fn h33_a_path_that_readers_disagree_about_is_refused() {
    let (gateway, upstream) = in_front_of_echo().await;
    let targets = [
        "/-/up/../x",
        "/-/up/..",
        "/-/up/./x",
        "/-/up/%2e%2e/x",
        "/-/up/.%2E/x",
        "/-/up/..;a/x",
        "/-/up%2f..%2fx",
        "/-/up/a%5c..%5cx",
        "/-/up/%252e%252e/x",
        "/-/up/%00",
        "/-/up/%0d%0aX:1",
        "/-/up/%zz",
        "/-/up/%4",
        "/x/../-/up",
    ];
    for target in targets {
        assert_refused(&gateway.get(target).await, 400, "bad_request");
    }
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn segments_are_never_matched_in_part() {
    let (gateway, upstream) = in_front_of_echo().await;
    for target in ["/", "/-", "/-/", "/-/u", "/-/upx", "/-/up.x", "/-/UP", "/-/up%20", "/x/-/up", "/?/-/up"] {
        assert_refused(&gateway.get(target).await, 404, "not_found");
    }
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn each_request_on_a_connection_is_routed_anew() {
    let (one, two) = (Upstream::start(Echo).await, Upstream::start(Echo).await);
    let private = Proxy::new("/-/private", &one.url()).access_rule("");
    let proxies = [Proxy::new("/-/one", &one.url()), Proxy::new("/-/two", &two.url()), private];
    let gateway = Gateway::start(proxies).await;
    let mut client = gateway.connect().await;
    for (target, status) in [
        ("/-/one", 200),
        ("/-/two", 200),
        ("/-/private", 401),
        ("/api/health", 200),
        ("/-/none", 404),
        ("/-/one", 200),
    ] {
        assert_eq!(client.get(target).await.status(), status, "{target}");
    }
    assert_eq!((one.ledger.request_count(), two.ledger.request_count()), (2, 1));
}
