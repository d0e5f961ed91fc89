//! How many requests may come in a time.

use gate_testkit::{
    Answer, Echo, Gateway, H2ByHand, Mood, Proxy, Response, Sidecar, TestAuthority, Upstream,
};

use crate::concurrency::in_front_of_sidecar;
use crate::setup::assert_refused;

fn number(response: &Response, name: &str) -> u64 {
    response.header(name).unwrap_or_else(|| panic!("no {name} in {response:?}")).parse().unwrap()
}

#[tokio::test]
async fn so_many_pass_and_each_is_told_how_many_are_left() {
    let (gateway, sidecar) =
        in_front_of_sidecar(Mood::Well, |proxy| proxy.rate_limit(r#"{"requests":5,"window":600,"by":"ip"}"#))
            .await;
    for left in (0..5).rev() {
        let response = gateway.get("/-/up").await;
        assert_eq!(response.status(), 200);
        assert_eq!(
            (number(&response, "ratelimit-limit"), number(&response, "ratelimit-remaining")),
            (5, left)
        );
        assert!(number(&response, "ratelimit-reset") <= 600);
    }
    let refused = gateway.get("/-/up").await;
    assert_refused(&refused, 429, "rate_limited");
    assert!((1..=120).contains(&number(&refused, "retry-after")), "{refused:?}");
    assert_eq!(number(&refused, "ratelimit-remaining"), 0);
    let mut other = gateway.connect_from("127.0.0.2".parse().unwrap()).await;
    assert_eq!(other.get("/-/up").await.status(), 200, "another address has its own");
    assert_eq!(sidecar.arrived(), 6);
}

const OWN_RATE: [(&str, &str); 3] =
    [("ratelimit-limit", "9"), ("RateLimit-Remaining", "8"), ("RateLimit-Reset", "7")];

#[tokio::test]
async fn of_two_rates_the_client_is_told_the_gateways_alone() {
    let rate = r#"{"requests":5,"window":600,"by":"proxy"}"#;
    let lines = OWN_RATE.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    let answer = format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n");
    let upstream = Upstream::start(Answer::then_keep_open(answer)).await;
    let proxies =
        [Proxy::new("/-/limited", &upstream.url()).rate_limit(rate), Proxy::new("/-/free", &upstream.url())];
    let gateway = Gateway::start(proxies).await;
    let (limited, free) = (gateway.get("/-/limited").await, gateway.get("/-/free").await);
    assert_eq!(limited.head.headers.values("ratelimit-limit"), ["5"]);
    assert_eq!(limited.head.headers.values("ratelimit-remaining"), ["4"]);
    assert_eq!(limited.head.headers.values("ratelimit-reset").len(), 1);
    for (name, value) in OWN_RATE {
        assert_eq!(free.head.headers.values(name), [value], "without a rate of ours it is the upstream's");
    }
}

#[tokio::test]
async fn over_http2_too_the_client_is_told_one_rate() {
    let authority = TestAuthority::new();
    let upstream = H2ByHand::start(&authority).await;
    let proxy =
        Proxy::new("/-/up", &upstream.url()).rate_limit(r#"{"requests":5,"window":600,"by":"proxy"}"#);
    let gateway = Gateway::builder().trusting(&authority).proxy(proxy).start().await;
    let serve = async {
        let mut peer = upstream.accept().await;
        let request = peer.request().await;
        let fields = [("ratelimit-limit", "9"), ("ratelimit-remaining", "8"), ("content-length", "0")];
        peer.head(request.stream, "200", &fields).await.unwrap();
        peer
    };
    let (response, _peer) = tokio::join!(gateway.get("/-/up"), serve);
    for (name, value) in [("ratelimit-limit", "5"), ("ratelimit-remaining", "4")] {
        assert_eq!(response.head.headers.values(name), [value]);
    }
}

#[tokio::test]
async fn a_rate_of_the_proxy_is_everybodys() {
    let (gateway, _sidecar) = in_front_of_sidecar(Mood::Well, |proxy| {
        proxy.rate_limit(r#"{"requests":2,"window":600,"by":"proxy"}"#)
    })
    .await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    let mut other = gateway.connect_from("127.0.0.2".parse().unwrap()).await;
    assert_eq!(other.get("/-/up").await.status(), 200);
    assert_refused(&gateway.get("/-/up").await, 429, "rate_limited");
}

#[tokio::test]
async fn a_dry_run_refuses_nobody() {
    let sidecar = Sidecar::start(Mood::Well).await;
    let proxy = Proxy::new("/-/up", &sidecar.url())
        .rate_limit(r#"{"requests":1,"window":600,"by":"proxy","dry_run":true}"#)
        .max_concurrent(1)
        .queue_config(r#"{"dry_run":true}"#)
        .limits(r#"{"per_ip":1,"dry_run":true}"#);
    let gateway = Gateway::start([proxy]).await;
    for _ in 0..5 {
        assert_eq!(gateway.get("/-/up").await.status(), 200);
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_it_is_the_client_it_names_who_is_counted() {
    let upstream = Upstream::start(Echo).await;
    let proxy = Proxy::new("/-/up", &upstream.url()).rate_limit(r#"{"requests":1,"window":60,"by":"ip"}"#);
    for (arguments, expected) in [
        (&["--trusted-proxy", "127.0.0.0/8"][..], [200, 429, 200, 429, 200]),
        (&[], [200, 429, 429, 429, 429]),
    ] {
        let gateway = Gateway::builder().proxy(proxy.clone()).arguments(arguments).start().await;
        let chains = ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3, 192.0.2.1", "192.0.2.3, 127.0.0.9"];
        let mut statuses = Vec::new();
        for chain in chains {
            let line = format!("X-Forwarded-For: {chain}");
            statuses.push(gateway.connect().await.request("GET", "/-/up", &[&line], b"").await.status());
        }
        assert_eq!(statuses, expected, "{arguments:?}");
    }
}
