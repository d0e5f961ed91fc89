//! `--pocketbase-db PATH` accepts the tokens of a PocketBase whose database is on this machine (contract §1.7).

use std::path::Path;
use std::time::{Duration, Instant};

use gate_testkit::{Echo, Gateway, Pocketgate, Upstream, auth_token};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;

use crate::administrator::{Administrator, call};
use crate::identity::{get, proxy};
use crate::setup::assert_refused;

const USERS: &str = "_pb_users_auth_";
const SUPERUSERS: &str = "pbc_3142635823";
/// What a token that was revoked may still be good for.
const REVOKED_MAX: Duration = Duration::from_secs(1);

/// The database of a PocketBase with one user and one superuser, and that PocketBase's connection to it.
struct Shared {
    directory: TempDir,
    connection: SqliteConnection,
}

impl Shared {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new().filename(directory.path().join("data.db"));
        let options = options.create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
        let mut shared = Shared { directory, connection: options.connect().await.unwrap() };
        shared
            .execute("CREATE TABLE _collections (id TEXT, name TEXT, type TEXT, fields JSON, options JSON)")
            .await;
        for (id, name, record, key) in
            [(USERS, "users", "remoteremote001", 'u'), (SUPERUSERS, "_superusers", "remoteremote002", 'r')]
        {
            let fields = json!([
                {"name": "id", "type": "text"}, {"name": "tokenKey", "type": "text"}, {"name": "email", "type": "email"},
                {"name": "level", "type": "number"}, {"name": "hiddenNote", "type": "text", "hidden": true},
            ]);
            let options = json!({"authToken": {"secret": secret(), "duration": 3600}});
            shared.execute(&format!("CREATE TABLE {name} (id TEXT, tokenKey TEXT, password TEXT, email TEXT, level NUMERIC, hiddenNote TEXT)")).await;
            shared
                .execute(&format!(
                    "INSERT INTO _collections VALUES ('{id}', '{name}', 'auth', '{fields}', '{options}')"
                ))
                .await;
            let key = token_key(key);
            shared
                .execute(&format!(
                    "INSERT INTO {name} VALUES ('{record}', '{key}', 'hash', 'ada@example.com', 7, 'note')"
                ))
                .await;
        }
        shared
    }

    async fn execute(&mut self, statement: &str) {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        sqlx::query(statement).execute(&mut self.connection).await.unwrap();
    }

    async fn gateway(&self, more: &[&str]) -> Gateway {
        let path = self.directory.path().to_str().unwrap();
        Gateway::builder().arguments(["--pocketbase-db", path]).arguments(more).start().await
    }
}

fn secret() -> String {
    "s".repeat(50)
}

fn token_key(key: char) -> String {
    key.to_string().repeat(50)
}

fn user() -> String {
    auth_token(USERS, "remoteremote001", &token_key('u'), &secret())
}

fn superuser() -> String {
    auth_token(SUPERUSERS, "remoteremote002", &token_key('r'), &secret())
}

/// A gateway with `/-/up` for whom the rule holds.
async fn with_rule(shared: &Shared, rule: &str) -> (Gateway, Upstream) {
    let (gateway, upstream) = (shared.gateway(&[]).await, Upstream::start(Echo).await);
    let headers = json!({"headers": {"X-Level": "@request.auth.level"}});
    Administrator::of(&gateway).await.proxy(proxy(&upstream, rule, &headers)).await;
    (gateway, upstream)
}

#[tokio::test]
async fn a_token_of_pocketbase_is_its_owners() {
    let shared = Shared::new().await;
    let rule = "@request.auth.level >= 7 && @request.auth.hiddenNote = 'note' && @request.auth.collectionName = 'users'";
    let (gateway, upstream) = with_rule(&shared, rule).await;
    assert_eq!(get(&gateway, "/-/up", Some(&user()), &[]).await.status(), 200);
    let headers = upstream.ledger.only_request().head.headers;
    assert_eq!(headers.values("x-level"), ["7"]);
    assert!(!headers.has("authorization"), "H7");
    for forged in [
        auth_token(USERS, "remoteremote001", &token_key('x'), &secret()),
        auth_token(USERS, "remoteremote001", &token_key('u'), &"x".repeat(50)),
        auth_token(USERS, "remoteremote009", &token_key('u'), &secret()),
        auth_token(SUPERUSERS, "remoteremote001", &token_key('u'), &secret()),
        auth_token("users\" --", "remoteremote001", &token_key('u'), &secret()),
    ] {
        assert_refused(&get(&gateway, "/-/up", Some(&forged), &[]).await, 401, "unauthorized");
    }
}

#[tokio::test]
async fn a_rule_tells_accounts_of_pocketbase_from_ours() {
    let shared = Shared::new().await;
    let (gateway, upstream) = with_rule(&shared, "@request.auth.collectionOrigin = 'remote'").await;
    let login = json!({"identity": "root@example.com", "password": crate::administrator::PASSWORD});
    let path = "/api/collections/_superusers/auth-with-password";
    let login = call(&gateway, "POST", path, None, &login).await.json();
    let administrator = login["token"].as_str().unwrap();
    let local = proxy(&upstream, "@request.auth.collectionOrigin = 'local'", &json!({"path": "/-/local"}));
    let made = call(&gateway, "POST", "/api/collections/_proxies/records", Some(administrator), &local).await;
    assert_eq!(made.status(), 200, "{}", made.text());
    let account =
        json!({"email": "bob@example.com", "password": "correct horse", "passwordConfirm": "correct horse"});
    call(&gateway, "POST", "/api/collections/users/records", None, &account).await;
    let bob = json!({"identity": "bob@example.com", "password": "correct horse"});
    let bob = call(&gateway, "POST", "/api/collections/users/auth-with-password", None, &bob).await.json();
    let bob = bob["token"].as_str().unwrap();
    assert_eq!(get(&gateway, "/-/up", Some(&user()), &[]).await.status(), 200);
    assert_refused(&get(&gateway, "/-/up", Some(bob), &[]).await, 403, "forbidden");
    assert_eq!(get(&gateway, "/-/local", Some(bob), &[]).await.status(), 200);
    assert_refused(&get(&gateway, "/-/local", Some(&user()), &[]).await, 403, "forbidden");
}

#[tokio::test]
async fn a_superuser_of_pocketbase_is_one_here_only_where_that_was_asked_for() {
    let shared = Shared::new().await;
    let records = "/api/collections/_proxies/records";
    let gateway = shared.gateway(&[]).await;
    assert_eq!(call(&gateway, "GET", records, Some(&superuser()), &Value::Null).await.status(), 403);
    let trusting = shared.gateway(&["--trust-remote-superusers"]).await;
    assert_eq!(call(&trusting, "GET", records, Some(&superuser()), &Value::Null).await.status(), 200);
    assert_eq!(call(&trusting, "GET", records, Some(&user()), &Value::Null).await.status(), 403);
}

#[tokio::test]
async fn a_token_that_was_revoked_there_is_refused_within_a_second() {
    let mut shared = Shared::new().await;
    let (gateway, _upstream) = with_rule(&shared, "@request.auth.id != ''").await;
    let mut token = user();
    for revoke in [
        format!("UPDATE users SET tokenKey = '{}'", token_key('n')),
        format!("UPDATE _collections SET options = '{}'", json!({"authToken": {"secret": "t".repeat(50)}})),
        "DELETE FROM users".to_owned(),
    ] {
        assert_eq!(get(&gateway, "/-/up", Some(&token), &[]).await.status(), 200, "{revoke}");
        shared.execute(&revoke).await;
        let revoked = Instant::now();
        while get(&gateway, "/-/up", Some(&token), &[]).await.status() != 401 {
            assert!(revoked.elapsed() < REVOKED_MAX, "the old token is still good after {revoke}");
        }
        let secret = if revoke.contains("_collections") { "t".repeat(50) } else { secret() };
        token = auth_token(USERS, "remoteremote001", &token_key('n'), &secret);
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_no_reason_to_let_anybody_in_or_to_call_them_guests() {
    let shared = Shared::new().await;
    let (gateway, upstream) = with_rule(&shared, "@request.auth.id = ''").await;
    let path = shared.directory.path().join("data.db");
    std::fs::rename(&path, path.with_extension("away")).unwrap();
    assert_refused(&get(&gateway, "/-/up", Some(&user()), &[]).await, 503, "identity_unavailable");
    assert!(upstream.ledger.is_untouched());
}

#[tokio::test]
async fn what_is_no_database_of_pocketbase_is_told_at_the_start() {
    let own = tempfile::tempdir().unwrap();
    let start = async |path: &Path, more: &[&str]| {
        let (directory, path) = (own.path().to_str().unwrap(), path.to_str().unwrap());
        let line = ["serve", "--http", "127.0.0.1:0", "--dir", directory, "--pocketbase-db", path];
        Pocketgate::run(line.iter().chain(more)).await
    };
    let output = start(&own.path().join("none"), &[]).await;
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("cannot be read"), "{output:?}");
    let output = start(own.path(), &["--pocketbase", "http://127.0.0.1:9"]).await;
    assert_eq!(output.code, Some(2), "{output:?}");
}
