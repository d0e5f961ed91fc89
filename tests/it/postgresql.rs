//! Records in PostgreSQL: gateways that share them, and a database that comes and goes.

use std::time::{Duration, Instant};

use gate_testkit::{Echo, Gateway, GatewayBuilder, PATIENCE, PostgreSql, ProcessOutput, Signal, Upstream};
use serde_json::json;

use crate::administrator::Administrator;
use crate::identity::{get, proxy};
use crate::metrics::until;
use crate::reload::until_status;

/// What is granted from the return of the database to the first request that follows a change.
const RECOVERED_MAX: Duration = Duration::from_secs(5);

/// What is granted to a start without the database: an attempt to connect is given up after 2 s, and there is one.
const STARTED_MAX: Duration = Duration::from_secs(8);

/// What is granted from the commit to the first request at any gateway that follows it, on a machine at hand.
const EFFECTIVE_MAX: Duration = Duration::from_millis(100);

/// For a gateway on that database, with the key that all of them share.
pub(crate) fn with_shared_key(builder: GatewayBuilder, url: &str) -> GatewayBuilder {
    builder.arguments(["--db-url", url]).environment("POCKETGATE_MASTER_KEY", "5f".repeat(32))
}

async fn gateway(url: &str) -> Gateway {
    with_shared_key(Gateway::builder(), url).start().await
}

async fn add(gateway: &Gateway, url: &str, path: &str, upstream: &str) -> ProcessOutput {
    let flags = ["add", "--path", path, "--upstream", upstream, "--access-rule", "true", "--db-url", url];
    gateway.proxies(flags).await
}

#[tokio::test]
async fn gateways_with_one_database_serve_the_same_proxies() {
    let url = PostgreSql::shared().database();
    let upstream = Upstream::start(Echo).await;
    let (one, other) = (gateway(&url).await, gateway(&url).await);
    let mut quickest = PATIENCE;
    for path in ["/-/a", "/-/b", "/-/c"] {
        add(&one, &url, path, &upstream.url()).await.succeeded();
        let committed = Instant::now();
        until_status(&one, path, 200).await;
        until_status(&other, path, 200).await;
        quickest = quickest.min(committed.elapsed());
    }
    assert!(quickest <= EFFECTIVE_MAX, "{quickest:?}");
}

#[tokio::test]
async fn a_gateway_outlives_its_database_and_finds_it_again() {
    let mut server = PostgreSql::start();
    let url = server.database();
    let upstream = Upstream::start(Echo).await;
    let gateway = gateway(&url).await;
    add(&gateway, &url, "/-/before", &upstream.url()).await.succeeded();
    until_status(&gateway, "/-/before", 200).await;

    server.kill();
    assert_eq!(gateway.get("/-/before").await.status(), 200);
    let refused = add(&gateway, &url, "/-/lost", &upstream.url()).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    assert!(refused.stderr.contains("the database is not available"), "{}", refused.stderr);
    assert_eq!(gateway.get("/-/before").await.status(), 200);

    server.resume();
    let back = Instant::now();
    add(&gateway, &url, "/-/after", &upstream.url()).await.succeeded();
    until_status(&gateway, "/-/after", 200).await;
    assert!(back.elapsed() < RECOVERED_MAX, "{:?}", back.elapsed());
    assert_eq!(gateway.get("/-/lost").await.status(), 404);
}

#[tokio::test]
async fn a_database_that_goes_away_shows_in_the_metrics_though_nobody_writes() {
    let mut server = PostgreSql::start();
    let builder = Gateway::builder().arguments(["--metrics-public"]);
    let gateway = with_shared_key(builder, &server.database()).start().await;
    until(&gateway, "gateway_store_up", Some(1.0)).await;
    server.kill();
    until(&gateway, "gateway_store_up", Some(0.0)).await;
    server.resume();
    until(&gateway, "gateway_store_up", Some(1.0)).await;
}

#[tokio::test]
async fn a_gateway_that_starts_while_its_database_is_away_serves_what_it_last_knew() {
    let mut server = PostgreSql::start();
    let url = server.database();
    let upstream = Upstream::start(Echo).await;
    let directory = tempfile::tempdir().unwrap();
    let builder = || Gateway::builder().arguments(["--db-url", &url]).directory(directory.path());
    let mut first = builder().start().await;
    add(&first, &url, "/-/before", &upstream.url()).await.succeeded();
    until_status(&first, "/-/before", 200).await;
    first.signal(Signal::Terminate);
    assert_eq!(first.exit_code().await, Some(0));

    server.kill();
    let started = Instant::now();
    let second = builder().start().await;
    assert!(started.elapsed() < STARTED_MAX, "{:?}", started.elapsed());
    assert_eq!(second.get("/-/before").await.status(), 200);
    server.resume();
    add(&second, &url, "/-/after", &upstream.url()).await.succeeded();
    until_status(&second, "/-/after", 200).await;
}

/// Without its database the gateway can have read nothing from it.
#[tokio::test]
async fn h14_a_request_with_a_rule_and_a_secret_reads_no_database() {
    let mut server = PostgreSql::start();
    let gateway = gateway(&server.database()).await;
    let upstream = Upstream::start(Echo).await;
    let administrator = Administrator::of(&gateway).await;
    administrator.must("POST", "/api/secrets", &json!({"key": "KEY", "value": "sk-1"})).await;
    let headers = json!({"headers": {"Authorization": "Bearer {secret.KEY}", "X-Who": "@request.auth.name"}});
    administrator.proxy(proxy(&upstream, "@request.auth.verified = false", &headers)).await;
    let user = administrator.user("Bob").await;
    // Every worker asks once who somebody is, and then remembers.
    for _ in 0..100 {
        assert_eq!(get(&gateway, "/-/up", Some(&user.token), &[]).await.status(), 200);
    }
    server.kill();
    for _ in 0..100 {
        assert_eq!(get(&gateway, "/-/up", Some(&user.token), &[]).await.status(), 200);
    }
    for request in upstream.ledger.requests() {
        let sent = request.head.headers;
        assert_eq!((sent.values("authorization"), sent.values("x-who")), (vec!["Bearer sk-1"], vec!["Bob"]));
    }
}
