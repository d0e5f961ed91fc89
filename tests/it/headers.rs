//! What happens to header fields on the way (contract §3.2, defects H20 to H25).

use gate_testkit::{Answer, Echo, Fields, Gateway, PATIENCE, Proxy, Upstream, within};

use crate::reload::execute;
use crate::setup::{assert_refused, in_front_of, in_front_of_echo};

/// Sends a GET with those lines and returns the fields the upstream saw.
async fn forwarded(lines: &[&str]) -> Fields {
    let (gateway, upstream) = in_front_of_echo().await;
    let response = gateway.connect().await.request("GET", "/-/up", lines, b"").await;
    assert_eq!(response.status(), 200, "{}", response.text());
    upstream.ledger.only_request().head.headers
}

/// The fields a client gets when the upstream sends those lines.
async fn answered(lines: &str) -> Fields {
    let answer = format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 2\r\n\r\nok");
    let (gateway, _upstream) = in_front_of(Answer::then_keep_open(answer)).await;
    gateway.get("/-/up").await.head.headers
}

#[tokio::test]
async fn r019_fr_005_host_is_the_upstreams() {
    let (gateway, upstream) = in_front_of_echo().await;
    gateway.get("/-/up").await;
    let headers = upstream.ledger.only_request().head.headers;
    assert_eq!(headers.values("host"), [upstream.address().to_string()]);
}

#[tokio::test]
async fn h20_r019_fr_004_accept_encoding_is_removed() {
    let headers = forwarded(&["Accept-Encoding: gzip, br", "accept-encoding: zstd"]).await;
    assert!(headers.value("accept-encoding").is_none_or(|value| value == "identity"), "{headers:?}");
}

#[tokio::test]
async fn r019_nfr_004_forward_encoding_leaves_it_to_client_and_upstream() {
    let (gateway, upstream) = in_front_of_echo().await;
    execute(gateway.directory(), "UPDATE _proxies SET forwardEncoding = TRUE").await;
    let mut client = gateway.connect().await;
    let passed = async {
        let mut passed = None;
        while passed.is_none() {
            client.request("GET", "/-/up", &["Accept-Encoding: gzip, br"], b"").await;
            passed = upstream.ledger.last_request().head.headers.value("accept-encoding").map(str::to_owned);
        }
        passed
    };
    assert_eq!(within(PATIENCE, passed).await.as_deref(), Some("gzip, br"));
}

#[tokio::test]
async fn r019_us2_ac1_an_encoded_response_passes_untouched() {
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", gzip.len());
    let (gateway, _upstream) = in_front_of(Answer::then_keep_open([head.as_bytes(), gzip].concat())).await;
    let response = gateway.get("/-/up").await;
    assert_eq!(
        (response.header("content-encoding"), response.body.as_slice()),
        (Some("gzip"), gzip.as_slice())
    );
}

#[tokio::test]
async fn end_to_end_fields_keep_order_spelling_and_bytes() {
    let lines = [
        "X-One: 1",
        "x-TWO:   two words \t",
        "X-one: again",
        "X-Latin: caf\u{e9}",
        "X-Empty:",
        "Cookie: a=b; c=d",
    ];
    let headers = forwarded(&lines).await;
    let ours = ["X-One", "x-TWO", "X-one", "X-Latin", "X-Empty", "Cookie"];
    let seen: Vec<_> = headers.iter().filter(|(name, _)| ours.contains(name)).collect();
    let latin = "cafÃ©"; // the two bytes of UTF-8, one character each
    let expected = ["1", "two words", "again", latin, "", "a=b; c=d"];
    assert_eq!(seen, ours.into_iter().zip(expected).collect::<Vec<_>>());
}

#[tokio::test]
async fn h21_connection_fields_stay_on_their_connection() {
    let headers = forwarded(&[
        "Connection: keep-alive, X-Secret , X-Other",
        "Connection: x-third",
        "X-Secret: 1",
        "x-other: 2",
        "X-Third: 3",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic eDp5",
        "TE: gzip",
        "X-Stays: 4",
    ])
    .await;
    for gone in
        ["x-secret", "x-other", "x-third", "keep-alive", "proxy-connection", "proxy-authorization", "te"]
    {
        assert!(!headers.has(gone), "{gone} in {headers:?}");
    }
    assert_eq!(headers.value("x-stays"), Some("4"));
}

#[tokio::test]
async fn connection_cannot_name_away_what_the_request_needs() {
    let (gateway, upstream) = in_front_of_echo().await;
    let lines = ["Connection: Host, Content-Length, X-Forwarded-For, close"];
    let response = gateway.connect().await.request("POST", "/-/up", &lines, b"hello").await;
    assert_eq!(response.status(), 200);
    let request = upstream.ledger.only_request();
    assert_eq!(request.body.unwrap().length, 5);
    assert!(request.head.headers.has("host"));
    assert_eq!(request.head.headers.value("x-forwarded-for"), Some("127.0.0.1"));
}

#[tokio::test]
async fn credentials_that_are_not_ours_are_forwarded() {
    let headers = forwarded(&["Authorization: Bearer sk-of-another-service", "Cookie: session=theirs"]).await;
    assert_eq!(headers.values("authorization"), ["Bearer sk-of-another-service"]);
    assert_eq!(headers.values("cookie"), ["session=theirs"]);
}

#[tokio::test]
async fn an_unknown_upgrade_is_not_offered_upstream() {
    let headers =
        forwarded(&["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"]).await;
    for gone in ["upgrade", "http2-settings"] {
        assert!(!headers.has(gone), "{gone} in {headers:?}");
    }
}

#[tokio::test]
async fn h22_forwarded_fields_say_who_asked_for_what() {
    let (gateway, upstream) = in_front_of_echo().await;
    let lines = ["Host: app.example:8443"];
    gateway.connect_from([127, 0, 0, 9].into()).await.request("GET", "/-/up", &lines, b"").await;
    let headers = upstream.ledger.only_request().head.headers;
    assert_eq!(headers.values("x-forwarded-for"), ["127.0.0.9"]);
    assert_eq!(headers.values("x-forwarded-host"), ["app.example:8443"]);
    assert_eq!(headers.values("x-forwarded-proto"), ["http"]);
}

#[tokio::test]
async fn h22_what_an_untrusted_client_says_about_itself_is_not_believed() {
    let headers = forwarded(&[
        "X-Forwarded-For: 203.0.113.7, 10.0.0.1",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https",
        "X-Real-IP: 203.0.113.7",
        "Forwarded: for=203.0.113.7;host=evil.example",
    ])
    .await;
    assert_eq!(headers.values("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(headers.values("x-forwarded-host"), ["gateway.test"]);
    let text = format!("{headers:?}");
    assert!(!text.contains("203.0.113.7") && !text.contains("evil.example"), "{text}");
}

#[tokio::test]
async fn a_name_with_underscores_cannot_pose_as_ours() {
    let (gateway, upstream) = in_front_of_echo().await;
    let lines = ["X_Forwarded_For: 203.0.113.7", "x_forwarded-host: evil.example"];
    gateway.connect().await.request("GET", "/-/up", &lines, b"").await;
    let requests = format!("{:?}", upstream.ledger.requests());
    assert!(!requests.contains("203.0.113.7") && !requests.contains("evil.example"), "{requests}");
}

#[tokio::test]
async fn a_name_with_underscores_does_not_override_what_is_sent_with_hyphens() {
    let headers =
        forwarded(&["X_User_Role: admin", "X-User-Role: user", "x_request-id: evil", "X_Alone: 1"]).await;
    assert_eq!((headers.value("x_user_role"), headers.value("x-user-role")), (None, Some("user")));
    assert!(!headers.has("x_request-id"), "{headers:?}");
    assert_eq!(headers.value("x_alone"), Some("1"), "stands for nothing else");
}

#[tokio::test]
async fn a_rule_reads_what_a_proxy_in_front_set_and_not_a_clients_other_spelling_of_it() {
    let upstream = Upstream::start(Echo).await;
    let rule = "@request.headers.x_user_role = 'admin'";
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url()).access_rule(rule)]).await;
    let mut client = gateway.connect().await;
    let spoofed = ["X_User_Role: admin", "X-User-Role: user"];
    assert_refused(&client.request("GET", "/-/up", &spoofed, b"").await, 401, "unauthorized");
    assert_eq!(client.request("GET", "/-/up", &["X-User-Role: admin"], b"").await.status(), 200);
}

#[tokio::test]
async fn r005_ec2_a_response_passes_unmodified_whatever_its_status() {
    let answer = "HTTP/1.1 418 I'm a teapot\r\nX-Tea: Earl Grey\r\nset-cookie: a=1\r\nX-tea: again\r\n\
                  Set-Cookie: b=2\r\nServer: pot\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 5\r\n\r\nshort";
    let (gateway, _upstream) = in_front_of(Answer::then_keep_open(answer)).await;
    let response = gateway.get("/-/up").await;
    assert_eq!(
        (response.status(), response.head.reason.as_str(), response.text().as_str()),
        (418, "I'm a teapot", "short")
    );
    let fields: Vec<_> = response.head.headers.iter().filter(|(name, _)| *name != "X-Request-Id").collect();
    let expected = [
        ("X-Tea", "Earl Grey"),
        ("set-cookie", "a=1"),
        ("X-tea", "again"),
        ("Set-Cookie", "b=2"),
        ("Server", "pot"),
        ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("Content-Length", "5"),
    ];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn h25_an_upstreams_own_cors_fields_are_not_doubled() {
    let headers =
        answered("Access-Control-Allow-Origin: https://a.example\r\nX-Content-Type-Options: nosniff\r\n")
            .await;
    assert_eq!(headers.values("access-control-allow-origin"), ["https://a.example"]);
    assert_eq!(headers.values("x-content-type-options"), ["nosniff"]);
}

#[tokio::test]
async fn h29_locations_and_domains_are_the_upstreams_own() {
    let headers = answered(
        "Location: http://upstream.internal:9000/next?x#y\r\nSet-Cookie: a=1; Domain=upstream.internal; Path=/v1\r\n",
    )
    .await;
    assert_eq!(headers.values("location"), ["http://upstream.internal:9000/next?x#y"]);
    assert_eq!(headers.values("set-cookie"), ["a=1; Domain=upstream.internal; Path=/v1"]);
}

#[tokio::test]
async fn connection_fields_of_a_response_stay_on_their_connection() {
    let headers =
        answered("Connection: X-Internal\r\nX-Internal: 1\r\nKeep-Alive: timeout=5\r\nX-Stays: 2\r\n").await;
    assert!(!headers.has("x-internal") && !headers.has("keep-alive"), "{headers:?}");
    assert_eq!(headers.value("x-stays"), Some("2"));
}

/// What tells an upstream to do something else than the request line says, or where it is.
const OVERRIDES: [&str; 6] = [
    "X-HTTP-Method-Override: DELETE",
    "X-Original-URL: /admin",
    "X-Rewrite-URL: /admin",
    "X-Forwarded-Port: 1",
    "X-Forwarded-Prefix: /evil",
    "X-Forwarded-Server: evil",
];

#[tokio::test]
async fn connection_fields_of_an_interim_response_stay_on_their_connection() {
    let interim = "HTTP/1.1 103 Early Hints\r\nConnection: X-Internal\r\nX-Internal: 1\r\nLink: </a>\r\n\r\n";
    let answer = format!("{interim}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let (gateway, _upstream) = in_front_of(Answer::then_keep_open(answer)).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let hints = client.read_head().await.unwrap();
    assert_eq!((hints.status, hints.headers.value("link")), (103, Some("</a>")));
    assert!(!hints.headers.has("x-internal"), "{:?}", hints.headers);
}

#[tokio::test]
async fn a32_a_stranger_overrides_neither_method_nor_path() {
    let headers = forwarded(&OVERRIDES).await;
    for (name, _) in OVERRIDES.iter().filter_map(|line| line.split_once(':')) {
        assert!(!headers.has(name), "{name} in {headers:?}");
    }
}

#[tokio::test]
async fn a_trusted_proxy_in_front_is_believed() {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::builder()
        .proxy(Proxy::new("/-/up", &upstream.url()))
        .arguments(["--trusted-proxy", "127.0.0.1/32"])
        .start()
        .await;
    let lines = [
        "X-Forwarded-For: 203.0.113.7",
        "X-Forwarded-Host: app.example",
        "X-Forwarded-Proto: https",
        "X-Forwarded-For: 198.51.100.7, 10.0.0.2",
    ];
    let lines = [&lines[..], &OVERRIDES].concat();
    gateway.connect().await.request("GET", "/-/up", &lines, b"").await;
    let headers = upstream.ledger.only_request().head.headers;
    for (name, value) in OVERRIDES.iter().filter_map(|line| line.split_once(": ")) {
        assert_eq!(headers.values(name), [value]);
    }
    assert_eq!(
        headers.values("x-forwarded-for"),
        ["203.0.113.7, 198.51.100.7, 10.0.0.2, 127.0.0.1"],
        "several lines are one list (RFC 9110 §5.3)"
    );
    assert_eq!(headers.values("x-forwarded-host"), ["app.example"]);
    assert_eq!(headers.values("x-forwarded-proto"), ["https"]);
}
