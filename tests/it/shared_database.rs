//! Gateways that share a PostgreSQL: how soon they agree, and what becomes of traffic while it is away.

use crate::administrator::{Administrator, User};
use crate::identity::{get, proxy};
use crate::postgresql::with_shared_key;
use gate_testkit::{Echo, Gateway, PATIENCE, PostgreSql, Upstream};
use serde_json::{Value, json};
use sqlx::postgres::PgListener;
use sqlx::{Connection as _, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const CHANGES: usize = 200;
/// What is granted to 99 of 100 changes made at one gateway until another one follows them.
const AGREED_MAX: Duration = Duration::from_secs(1);
/// The same for every change whose notice is lost.
const AGREED_WITHOUT_NOTICE_MAX: Duration = Duration::from_secs(6);
/// What is granted from the return of the database until changes are taken again.
const RECOVERED_MAX: Duration = Duration::from_secs(5);

const PROXIES: &str = "/api/collections/_proxies/records";

/// Takes the place of the function with which writers give notice, for every connection made from now on.
const SWALLOW_NOTICES: &str = r"
    CREATE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT';
    DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database());
    END $$;
";

#[tokio::test]
async fn a_change_at_one_gateway_is_in_force_at_another_within_a_second() {
    let pair = Pair::start(&PostgreSql::shared().database()).await;
    let administrator = Administrator::of(&pair.one).await;
    let path = pair.furnish(&administrator).await;
    let mut durations = Vec::with_capacity(CHANGES);
    for version in 0..CHANGES {
        durations.push(pair.change(&administrator, &path, version).await);
    }
    durations.sort();
    let p99 = durations[CHANGES * 99 / 100 - 1];
    assert!(p99 <= AGREED_MAX, "p99 {p99:?}, longest {:?}", durations[CHANGES - 1]);
}

#[tokio::test]
async fn a_change_whose_notice_is_lost_is_in_force_within_six_seconds() {
    let url = PostgreSql::shared().database();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(SWALLOW_NOTICES).execute(&mut connection).await.unwrap();
    let pair = Pair::start(&url).await;
    let administrator = Administrator::of(&pair.one).await;
    let path = pair.furnish(&administrator).await;
    let mut listener = PgListener::connect(&url).await.unwrap();
    listener.listen("pocketgate").await.unwrap();
    for version in 0..2 {
        let duration = pair.change(&administrator, &path, version).await;
        assert!(duration <= AGREED_WITHOUT_NOTICE_MAX, "{duration:?}");
    }
    let notice = tokio::time::timeout(Duration::ZERO, listener.recv()).await;
    assert!(notice.is_err(), "a notice came through: {notice:?}");
}

#[tokio::test]
async fn traffic_goes_on_while_the_database_is_away_for_five_seconds() {
    outage(Duration::from_secs(5)).await;
}

#[tokio::test]
#[ignore = "long: make check"]
async fn traffic_goes_on_while_the_database_is_away_for_a_minute() {
    outage(Duration::from_secs(60)).await;
}

/// Two gateways with one database, and an upstream that tells what it was sent.
struct Pair {
    one: Gateway,
    other: Gateway,
    upstream: Upstream,
}

impl Pair {
    async fn start(url: &str) -> Self {
        let one = with_shared_key(Gateway::builder(), url).start().await;
        let other = with_shared_key(Gateway::builder(), url).start().await;
        Pair { one, other, upstream: Upstream::start(Echo).await }
    }

    /// Makes a proxy, waits until both have it, and returns where its record is.
    async fn furnish(&self, administrator: &Administrator<'_>) -> String {
        let record = administrator.proxy(proxy(&self.upstream, "true", &json!({}))).await;
        let path = format!("{PROXIES}/{}", record["id"].as_str().unwrap());
        self.change(administrator, &path, CHANGES).await;
        path
    }

    /// Changes the proxy at the one, and returns how long it took until the other followed.
    async fn change(&self, administrator: &Administrator<'_>, path: &str, version: usize) -> Duration {
        let version = format!("v{version}");
        administrator.must("PATCH", path, &json!({"headers": {"X-Version": version}})).await;
        let committed = Instant::now();
        assert!(serves(&self.one, &version).await, "what was answered is in force where it was asked");
        while !serves(&self.other, &version).await {
            assert!(committed.elapsed() < PATIENCE, "{version} never came");
        }
        committed.elapsed()
    }
}

async fn serves(gateway: &Gateway, version: &str) -> bool {
    gateway.get("/-/up").await.text().contains(&format!("{version:?}"))
}

/// Stops the database for so long while requests come.
async fn outage(duration: Duration) {
    let mut server = PostgreSql::start();
    let url = server.database();
    let pair = Pair::start(&url).await;
    let administrator = Administrator::of(&pair.one).await;
    let path = pair.furnish(&administrator).await;
    administrator.must("POST", "/api/secrets", &json!({"key": "KEY", "value": "sk-1"})).await;
    let headers =
        json!({"path": "/-/known", "headers": {"X-Key": "{secret.KEY}", "X-Who": "@request.auth.name"}});
    administrator.proxy(proxy(&pair.upstream, "@request.auth.id != ''", &headers)).await;
    let user = administrator.user("Bob").await;

    let load = Load::start(&pair, &user).await;
    administrator.must("PATCH", &path, &json!({"timeout": 20})).await;
    load.served(1000).await;
    server.stop();
    let stopped = Instant::now();
    let refused = administrator.call("GET", PROXIES, &Value::Null).await;
    assert_eq!(refused.status(), 503, "{}", refused.text());
    assert_eq!(refused.header("retry-after"), Some("5"));
    tokio::time::sleep(duration.saturating_sub(stopped.elapsed())).await;
    load.served(1000).await;
    server.resume();
    let back = Instant::now();
    while administrator.call("PATCH", &path, &json!({"timeout": 10})).await.status() != 200 {
        assert!(back.elapsed() < RECOVERED_MAX, "changes are not taken again");
    }
    let duration = pair.change(&administrator, &path, 1).await;
    assert!(duration <= RECOVERED_MAX, "{duration:?}");
    load.served(1000).await;
    assert_eq!(load.failed.load(Ordering::SeqCst), 0, "requests failed");
}

/// Requests to both gateways, public ones and those of a user, until it is dropped.
struct Load {
    served: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Load {
    async fn start(pair: &Pair, user: &User) -> Self {
        let load = Load { served: Arc::default(), failed: Arc::default(), is_over: Arc::default() };
        let authorization = format!("Authorization: {}", user.token);
        for gateway in [&pair.one, &pair.other] {
            while get(gateway, "/-/known", Some(&user.token), &[]).await.status() != 200 {}
            for lines in [vec![], vec![authorization.clone()]] {
                load.run(gateway, lines).await;
            }
        }
        load
    }

    async fn run(&self, gateway: &Gateway, lines: Vec<String>) {
        let (served, failed) = (Arc::clone(&self.served), Arc::clone(&self.failed));
        let is_over = Arc::clone(&self.is_over);
        let path = if lines.is_empty() { "/-/up" } else { "/-/known" };
        let mut client = gateway.connect().await;
        tokio::spawn(async move {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            while !is_over.load(Ordering::SeqCst) {
                let counter = match client.request("GET", path, &lines, b"").await.status() {
                    200 => &served,
                    _ => &failed,
                };
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }

    /// Waits for so many more answers.
    async fn served(&self, more: usize) {
        let wanted = self.served.load(Ordering::SeqCst) + more;
        let started = Instant::now();
        while self.served.load(Ordering::SeqCst) < wanted {
            assert!(started.elapsed() < PATIENCE, "{} requests failed", self.failed.load(Ordering::SeqCst));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
    }
}
