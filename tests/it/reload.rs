//! Another process changes the records; the running gateway follows without a restart (005-FR-003, 005-SC-002).

use std::path::Path;
use std::time::{Duration, Instant};

use gate_testkit::{BodyEnd, Echo, Gateway, PATIENCE, Proxy, SseUpstream, Upstream, eventually};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::setup::{assert_refused, in_front_of_echo};

/// What the requirement grants from the commit to the first request that follows it.
const EFFECTIVE_MAX: Duration = Duration::from_millis(100);

/// Changes the database as a program would that knows nothing of our rules.
pub(crate) async fn execute(directory: &Path, statement: &'static str) {
    let options = SqliteConnectOptions::new().filename(directory.join("data.db"));
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Asks until the answer has that status, and returns how long that took.
pub(crate) async fn until_status(gateway: &Gateway, target: &str, status: u16) -> Duration {
    let started = Instant::now();
    while gateway.get(target).await.status() != status {
        assert!(started.elapsed() < PATIENCE, "{target} never gave {status}: {}", gateway.log_text());
    }
    started.elapsed()
}

#[tokio::test]
async fn r005_sc_002_a_change_is_effective_within_100_ms() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut quickest = PATIENCE;
    for _ in 0..4 {
        execute(gateway.directory(), "UPDATE _proxies SET active = FALSE").await;
        quickest = quickest.min(until_status(&gateway, "/-/up", 404).await);
        execute(gateway.directory(), "UPDATE _proxies SET active = TRUE").await;
        quickest = quickest.min(until_status(&gateway, "/-/up", 200).await);
    }
    assert!(quickest <= EFFECTIVE_MAX, "{quickest:?}");
}

#[tokio::test]
async fn r005_fr_003_a_new_proxy_is_served_and_a_removed_one_is_not() {
    let (gateway, upstream) = in_front_of_echo().await;
    assert_eq!(gateway.get("/-/new").await.status(), 404);
    gateway.add(&Proxy::new("/-/new", &upstream.url())).await;
    until_status(&gateway, "/-/new", 200).await;
    gateway.proxies(["remove", "/-/new"]).await.succeeded();
    until_status(&gateway, "/-/new", 404).await;
    assert_eq!(gateway.get("/-/up").await.status(), 200, "the other proxy stays");
}

#[tokio::test]
async fn r005_fr_003_an_edited_upstream_takes_the_next_request() {
    let (gateway, old) = in_front_of_echo().await;
    let new = Upstream::start(Echo).await;
    let mut client = gateway.connect().await;
    client.get("/-/up").await;
    gateway.proxies(["update", "/-/up", "--upstream", &new.url()]).await.succeeded();
    let mut served = 0;
    while new.ledger.request_count() == 0 {
        assert_eq!(client.get("/-/up").await.status(), 200);
        served += 1;
        assert!(served < 10_000, "the edit never took effect");
    }
    let before = old.ledger.request_count();
    for _ in 0..50 {
        assert_eq!(gateway.get("/-/up").await.status(), 200);
    }
    assert_eq!(old.ledger.request_count(), before, "every worker has the new snapshot");
}

#[tokio::test]
async fn a_bad_record_keeps_its_last_good_form() {
    for broken in [
        "UPDATE _proxies SET upstream = 'ftp://nowhere' WHERE path = '/-/up'",
        "UPDATE _proxies SET upstream = '' WHERE path = '/-/up'",
        "UPDATE _proxies SET timeoutConfig = '{\"dial\":' WHERE path = '/-/up'",
        "UPDATE _proxies SET headers = '[1]' WHERE path = '/-/up'",
        "UPDATE _proxies SET path = '/api/x' WHERE path = '/-/up'",
    ] {
        let (gateway, upstream) = in_front_of_echo().await;
        let lines_before = gateway.log().len();
        execute(gateway.directory(), broken).await;
        eventually(PATIENCE, || gateway.log().len() > lines_before).await;
        assert_eq!(gateway.get("/-/up").await.status(), 200, "{broken}");
        // A good change beside the bad record must still come through, or one slip freezes everything.
        gateway.add(&Proxy::new("/-/new", &upstream.url())).await;
        until_status(&gateway, "/-/new", 200).await;
        assert_eq!(gateway.get("/-/up").await.status(), 200, "{broken}");
        assert_eq!(gateway.get("/api/x").await.status(), 404, "{broken}");
    }
}

#[tokio::test]
async fn a_bad_record_at_the_start_takes_only_itself_out() {
    let directory = tempfile::tempdir().unwrap();
    let upstream = Upstream::start(Echo).await;
    let proxies = [Proxy::new("/-/good", &upstream.url()), Proxy::new("/-/bad", &upstream.url())];
    drop(Gateway::builder().directory(directory.path()).proxies(proxies).start().await);
    execute(directory.path(), "UPDATE _proxies SET upstream = 'ftp://nowhere' WHERE path = '/-/bad'").await;
    let gateway = Gateway::builder().directory(directory.path()).start().await;
    assert_eq!(gateway.get("/-/good").await.status(), 200);
    let response = gateway.get("/-/bad").await;
    assert!([404, 500].contains(&response.status()), "{response:?}");
    assert!(gateway.log_text().contains("/-/bad"), "the log names it: {}", gateway.log_text());
}

#[tokio::test]
async fn a_stream_that_runs_is_not_touched_by_edits() {
    let mut upstream = SseUpstream::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut stream = upstream.open_stream().await;
    client.read_head().await.unwrap();
    for statement in [
        "UPDATE _proxies SET timeout = 1, timeoutConfig = '{\"body_idle\":1}'",
        "UPDATE _proxies SET active = FALSE",
        "DELETE FROM _proxies",
    ] {
        execute(gateway.directory(), statement).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        stream.send_event("still here").await.unwrap();
        assert!(client.read_part().await.unwrap().is_some(), "cut by {statement}");
    }
    until_status(&gateway, "/-/up", 404).await;
    stream.end().await.unwrap();
    assert_eq!(client.read_body().await.unwrap().1, BodyEnd::Complete);
}

#[tokio::test]
async fn hundreds_of_edits_fail_no_request() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let edits = async {
        for number in 0..300 {
            let statement =
                ["UPDATE _proxies SET timeout = 20", "UPDATE _proxies SET timeout = 21"][number % 2];
            execute(gateway.directory(), statement).await;
        }
    };
    let mut served = 0;
    tokio::pin!(edits);
    loop {
        tokio::select! {
            () = &mut edits => break,
            response = client.get("/-/up") => assert_eq!(response.status(), 200),
        }
        served += 1;
    }
    assert!(served > 0);
    assert!(
        upstream.ledger.accepted() <= 10,
        "an edit keeps the pool: {} connections",
        upstream.ledger.accepted()
    );
}

#[tokio::test]
async fn a_database_that_is_locked_does_not_stop_traffic() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let options = SqliteConnectOptions::new().filename(gateway.directory().join("data.db"));
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.unwrap();
    for _ in 0..20 {
        assert_eq!(gateway.get("/-/up").await.status(), 200);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap();
    execute(gateway.directory(), "UPDATE _proxies SET active = FALSE").await;
    assert_refused(
        &{
            until_status(&gateway, "/-/up", 404).await;
            gateway.get("/-/up").await
        },
        404,
        "proxy_inactive",
    );
}
