//! A whole life of a gateway, and then the search.

use super::at_rest::Database;
use super::canary::{Canaries, hex};
use super::provoke::Provocation;
use super::witness::Witness;
use crate::administrator::{Administrator, PASSWORD};
use gate_testkit::{
    Answer, Collector, Gateway, PATIENCE, Pocketgate, PostgreSql, RawClient, Signal, Upstream, eventually,
};
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;
use tempfile::TempDir;

/// 32 characters, so that the key can be looked for as bytes and as digits.
const MASTER_KEY: &str = "canary-of-the-master-key-0123456";

#[tokio::test]
async fn r005_sc_005_nothing_secret_comes_out_of_a_gateway_with_sqlite() {
    live(Database::Sqlite).await;
}

#[cfg(unix)]
#[tokio::test]
async fn r005_sc_005_nothing_secret_comes_out_of_a_gateway_with_postgresql() {
    live(Database::Postgres(PostgreSql::shared().database())).await;
}

async fn live(database: Database) {
    let mut life = Life::begin(database).await;
    let gateway = life.start(&hex(MASTER_KEY)).await;
    let token = Administrator::of(&gateway).await.token;
    life.canaries.learn("a password", PASSWORD);
    life.canaries.learn_token("a superuser's token", &token);
    life.realtime(&gateway, &token).await;
    let house = life.furnish(&gateway, &token).await;
    life.use_proxies(&gateway, &house).await;
    life.pry(&gateway, &token, &house).await;
    life.provoke(&gateway, &token, &house).await;
    life.change(&gateway, &token, &house).await;
    life.observe(&gateway, &token).await;
    life.use_command_line().await;
    life.read_logs(&gateway, &token).await;
    life.end(gateway, Signal::Terminate).await;
    let gateway = life.start(&hex(MASTER_KEY)).await;
    assert_eq!(gateway.get("/-/open").await.status(), 200, "{}", gateway.log_text());
    life.read_logs(&gateway, &token).await;
    life.end(gateway, Signal::Kill).await;
    let other_key = life.canaries.make("another master key");
    let gateway = life.start(&hex(&other_key[..32])).await;
    let refused = life.witness.ask(&gateway, "GET", "/-/open", &[], b"").await;
    assert_eq!(refused.status(), 500, "nothing is decrypted with another key");
    life.end(gateway, Signal::Terminate).await;
    life.search().await;
}

struct Life {
    directory: TempDir,
    database: Database,
    canaries: Canaries,
    witness: Witness,
    /// Of the environment.
    variable: String,
    /// Takes what is injected; tells nobody.
    upstream: Upstream,
    garbage: Upstream,
    silent: Upstream,
    /// Gets the traces.
    collector: Collector,
    /// Lets Prometheus read the metrics.
    metrics_token: String,
}

/// What there is in it.
struct House {
    user: Account,
    victim: Account,
    second: Account,
    proxy: String,
    secret: String,
}

struct Account {
    id: String,
    token: String,
}

impl Life {
    async fn begin(database: Database) -> Self {
        let mut canaries = Canaries::default();
        canaries.learn("the master key", MASTER_KEY);
        let variable = canaries.make("a variable of the environment");
        let metrics_token = canaries.make("the token of the metrics");
        Life {
            collector: Collector::start().await,
            metrics_token,
            directory: tempfile::tempdir().unwrap(),
            database,
            witness: Witness::default(),
            variable,
            canaries,
            upstream: Upstream::start(Answer::then_keep_open(
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            ))
            .await,
            garbage: Upstream::start(Answer::then_close("HTTP/9 what\r\n\r\n")).await,
            silent: Upstream::start(Answer::then_keep_open("")).await,
        }
    }

    async fn start(&self, master_key: &str) -> Gateway {
        let builder = Gateway::builder().directory(self.directory.path());
        let builder =
            builder.environment("POCKETGATE_MASTER_KEY", master_key).environment("KEY", &self.variable);
        let builder = builder.environment("POCKETGATE_METRICS_TOKEN", &self.metrics_token);
        let builder = builder.environment("POCKETGATE_OTLP", self.collector.url());
        match &self.database {
            Database::Sqlite => builder.start().await,
            Database::Postgres(url) => builder.arguments(["--db-url", url]).start().await,
        }
    }

    /// Follows every collection.
    async fn realtime(&self, gateway: &Gateway, token: &str) {
        let mut stream = gateway.connect().await;
        stream.send_request("GET", "/api/realtime", &[], b"").await.unwrap();
        stream.read_head().await.unwrap();
        let hello = String::from_utf8(stream.read_part().await.unwrap().unwrap()).unwrap();
        let client = hello.lines().find_map(|line| line.strip_prefix("id:")).unwrap();
        let topics = ["users/*", "_superusers/*", "_proxies/*", "_secrets/*"];
        let body = json!({"clientId": client, "subscriptions": topics});
        let subscribed = self.witness.call(gateway, token, "POST", "/api/realtime", &body).await;
        assert_eq!(subscribed.status(), 204, "{}", subscribed.text());
        self.witness.listen(stream);
    }

    /// Secrets, proxies and people.
    async fn furnish(&mut self, gateway: &Gateway, token: &str) -> House {
        for key in ["FIRST", "SECOND", "REMOVED", "HARMED"] {
            let value = self.canaries.make(&format!("the secret {key}"));
            let secret = json!({"key": key, "value": value, "description": "for tests"});
            self.must(gateway, token, "POST", "/api/secrets", &secret).await;
        }
        let value = self.canaries.make("a secret made as a record");
        let secret = json!({"key": "RECORD", "value": value});
        let secret = self.must(gateway, token, "POST", "/api/collections/_secrets/records", &secret).await;
        let proxy = self.add_proxies(gateway, token).await;
        let user = self.account(gateway, token, "users").await;
        let victim = self.account(gateway, token, "users").await;
        let second = self.account(gateway, token, "_superusers").await;
        let path = format!("/api/collections/users/impersonate/{}", user.id);
        let impersonated = self.must(gateway, token, "POST", &path, &json!({"duration": 600})).await;
        self.canaries.learn_token("a token to impersonate", impersonated["token"].as_str().unwrap());
        self.database.teach(self.directory.path(), &mut self.canaries).await;
        assert!(self.canaries.at_rest_count() >= 5 + 2 * 4 + 2, "{}", self.canaries.at_rest_count());
        House { user, victim, second, proxy, secret: text(&secret["id"]) }
    }

    async fn add_proxies(&self, gateway: &Gateway, token: &str) -> String {
        let headers = json!({"Authorization": "Bearer {secret.FIRST}", "X-Key": "{env.KEY}",
            "X-Second": "{secret.SECOND}", "X-Who": "@request.auth.email"});
        let unresolved = json!({"Authorization": "Bearer {secret.FIRST}", "X-None": "{secret.NONE}"});
        let of_caller = json!({"Authorization": "Bearer {secret.FIRST}", "X-Name": "@request.auth.name"});
        let (up, known) = (self.upstream.url(), "@request.auth.id != ''");
        let mut last = Value::Null;
        for (path, upstream, rule, headers) in [
            ("/-/open", up.as_str(), "true", &headers),
            ("/-/users", &up, known, &headers),
            ("/-/superusers", &up, "", &headers),
            ("/-/unresolved", &up, "true", &unresolved),
            ("/-/name", &up, known, &of_caller),
            ("/-/down", "http://127.0.0.1:9", "true", &headers),
            ("/-/garbage", &self.garbage.url(), "true", &headers),
            ("/-/silent", &self.silent.url(), "true", &headers),
            ("/-/harmed", &up, "true", &headers),
        ] {
            let record = json!({"path": path, "upstream": upstream, "accessRule": rule, "headers": headers,
                "timeout": 1, "timeoutConfig": {"response_header": 1}});
            last = self.must(gateway, token, "POST", "/api/collections/_proxies/records", &record).await;
        }
        text(&last["id"])
    }

    /// Somebody with a password and a token.
    async fn account(&mut self, gateway: &Gateway, token: &str, collection: &str) -> Account {
        let password = self.canaries.make("a password");
        let email = format!("{:x}@example.com", rand::random::<u64>());
        let path = format!("/api/collections/{collection}");
        let account = json!({"email": email, "name": "line\nbreak", "password": password,
            "passwordConfirm": password, "emailVisibility": true});
        self.must(gateway, token, "POST", &format!("{path}/records"), &account).await;
        let login = json!({"identity": email, "password": password});
        let login = self.must(gateway, "", "POST", &format!("{path}/auth-with-password"), &login).await;
        let account = Account { id: text(&login["record"]["id"]), token: text(&login["token"]) };
        self.canaries.learn_token("a token", &account.token);
        account
    }

    /// Requests that pass, and that fail in every way.
    async fn use_proxies(&mut self, gateway: &Gateway, house: &House) {
        let of_others = format!("Authorization: Bearer {}", self.canaries.make("a token for somebody else"));
        let of_user = format!("Authorization: Bearer {}", house.user.token);
        let tampered = format!("Authorization: {}AAAA", &house.user.token[..house.user.token.len() - 4]);
        let cookie = format!("Cookie: session={}", self.canaries.make("a cookie"));
        let query = format!("api_key={}", self.canaries.make("a key in a query"));
        for (path, expected) in [
            ("/-/open", [200, 200, 200]),
            ("/-/users", [200, 401, 401]),
            ("/-/superusers", [403, 401, 401]),
            ("/-/unresolved", [500, 500, 500]),
            ("/-/name", [400, 401, 401]),
            ("/-/down", [502, 502, 502]),
            ("/-/garbage", [502, 502, 502]),
            ("/-/silent", [504, 504, 504]),
            ("/-/none", [404, 404, 404]),
        ] {
            for (authorization, status) in [&of_user, &of_others, &tampered].into_iter().zip(expected) {
                let target = format!("{path}?{query}");
                let lines = [authorization, cookie.as_str()];
                let response = self.witness.ask(gateway, "GET", &target, &lines, b"").await;
                assert_eq!(response.status(), status, "{path} {}", response.text());
            }
        }
        let broken = format!("GET /-/open HTTP/1.1\r\nHost: a\r\n{of_others}\r\n broken\r\n\r\n");
        self.raw(&mut gateway.connect().await, &broken).await;
        self.raw(&mut gateway.connect().await, &broken.replace("HTTP/1.1", "HTTP/7")).await;
    }

    async fn raw(&self, client: &mut RawClient, request: &str) {
        client.send(request).await.unwrap();
        self.witness.hear("a broken request", client.read_to_end().await.0);
    }

    /// Asks for what is hidden by name.
    async fn pry(&self, gateway: &Gateway, token: &str, house: &House) {
        for collection in ["users", "_superusers", "_secrets", "_proxies"] {
            for query in [
                "perPage=500",
                "fields=*,password,tokenKey,value",
                "filter=password~'$2'",
                "filter=tokenKey!=''",
                "filter=value!=''",
                "sort=password,tokenKey",
                "expand=password,tokenKey",
            ] {
                let path = format!("/api/collections/{collection}/records?{query}");
                for token in [token, &house.user.token, ""] {
                    self.witness.call(gateway, token, "GET", &path, &Value::Null).await;
                }
            }
        }
        let metrics = "/api/gateway/metrics";
        for path in ["/api/settings", "/api/collections", "/api/secrets", "/api/secrets/FIRST", metrics] {
            let shown = self.witness.call(gateway, token, "GET", path, &Value::Null).await;
            assert_eq!(shown.status(), 200, "{path}");
        }
    }

    async fn provoke(&mut self, gateway: &Gateway, token: &str, house: &House) {
        let canary = self.canaries.make("a provocation");
        let records = [&house.victim.id, &house.second.id, &house.proxy, &house.secret].map(String::clone);
        let authorization = |token: &str| format!("Authorization: {token}");
        let provocation = Provocation {
            records,
            secret: "HARMED",
            authorizations: [authorization(&canary), authorization(&house.user.token), authorization(token)],
            canary: &canary,
        };
        assert!(provocation.run(gateway, &self.witness).await > 1000);
        self.database.teach(self.directory.path(), &mut self.canaries).await;
    }

    /// New values, new names, and ends.
    async fn change(&mut self, gateway: &Gateway, token: &str, house: &House) {
        let value = self.canaries.make("a new value");
        let secrets = "/api/collections/_secrets/records";
        self.must(gateway, token, "PUT", "/api/secrets/FIRST", &json!({"value": value})).await;
        let value = self.canaries.make("a new value of a record");
        let record = format!("{secrets}/{}", house.secret);
        self.must(gateway, token, "PATCH", &record, &json!({"value": value, "description": "changed"})).await;
        assert_eq!(gateway.get("/-/open").await.status(), 200);
        let password = self.canaries.make("a new password");
        let user = format!("/api/collections/users/records/{}", house.user.id);
        let change = json!({"password": password, "passwordConfirm": password});
        self.must(gateway, token, "PATCH", &user, &change).await;
        let proxy = format!("/api/collections/_proxies/records/{}", house.proxy);
        self.must(gateway, token, "PATCH", &proxy, &json!({"path": "/-/renamed", "name": "renamed"})).await;
        self.must(gateway, token, "POST", "/api/backups", &json!({"name": "before"})).await;
        self.database.teach(self.directory.path(), &mut self.canaries).await;
        for path in ["/api/secrets/REMOVED", &record, &user, &proxy] {
            self.must(gateway, token, "DELETE", path, &Value::Null).await;
        }
        self.must(gateway, token, "POST", "/api/backups", &json!({"name": "after"})).await;
        eventually(PATIENCE, || {
            self.witness.count(|origin, event| origin == "realtime" && event.contains("\"delete\"")) >= 3
        })
        .await;
    }

    /// What an operator reads, and types.
    async fn use_command_line(&mut self) {
        let value = self.canaries.make("a value that was typed");
        let input = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(input.path(), &value).unwrap();
        for arguments in [
            &["proxies", "list"][..],
            &["proxies", "export"],
            &["proxies", "add", "--path", "/api/x", "--upstream", "http://a"],
            &["secrets", "set", "TYPED"],
            &["secrets", "set", "not a name"],
            &["secrets", "list"],
            &["superuser", "create", "typed@example.com"],
            &["superuser", "create", "not-an-address"],
            &["superuser", "list"],
            &["backup", "list"],
        ] {
            let said = self.command(arguments, input.path()).await;
            self.witness.hear(&arguments.join(" "), said.into_bytes());
        }
        self.database.teach(self.directory.path(), &mut self.canaries).await;
    }

    async fn command(&self, arguments: &[&str], input: &Path) -> String {
        let mut command = Pocketgate::command();
        command.args(arguments).arg("--dir").arg(self.directory.path()).stdin(File::open(input).unwrap());
        command.env("POCKETGATE_MASTER_KEY", hex(MASTER_KEY)).env("KEY", &self.variable);
        if let Database::Postgres(url) = &self.database {
            command.env("POCKETGATE_DB_URL", url);
        }
        let output = Pocketgate::finish(command).await;
        output.stdout + &output.stderr
    }

    /// What an operator looks at, and what looks for them.
    async fn observe(&self, gateway: &Gateway, token: &str) {
        let prometheus = format!("Authorization: Bearer {}", self.metrics_token);
        for accept in ["*/*", "application/openmetrics-text"] {
            let lines = [prometheus.as_str(), &format!("Accept: {accept}")];
            let metrics = self.witness.ask(gateway, "GET", "/api/gateway/metrics", &lines, b"").await;
            assert!(metrics.text().contains("gateway_errors_total{"), "{}", metrics.text());
        }
        let status = self.must(gateway, token, "GET", "/api/gateway/status", &Value::Null).await;
        let failures = |proxy: &Value| proxy["last_failures"].as_array().is_some_and(|all| !all.is_empty());
        assert!(status["proxies"].as_array().unwrap().iter().any(failures), "{status}");
        self.must(gateway, token, "GET", "/api/gateway/metrics?format=json", &Value::Null).await;
    }

    /// The log of requests, once the last of them is in it.
    async fn read_logs(&self, gateway: &Gateway, token: &str) {
        let marker = format!("/api/health?marker={:x}", rand::random::<u64>());
        gateway.get(&marker).await;
        let list = |page: usize| format!("/api/logs?perPage=1000&sort=-created&page={page}");
        loop {
            let first = self.must(gateway, token, "GET", &list(1), &Value::Null).await;
            if first.to_string().contains(&marker) {
                break;
            }
        }
        for page in 1.. {
            let logs = self.must(gateway, token, "GET", &list(page), &Value::Null).await;
            if logs["items"].as_array().unwrap().is_empty() {
                break;
            }
        }
    }

    async fn end(&self, mut gateway: Gateway, signal: Signal) {
        gateway.signal(signal);
        gateway.exit_code().await;
        self.witness.hear("the log", gateway.log_text().into_bytes());
        self.witness.hear("standard output", gateway.further_stdout().join("\n").into_bytes());
    }

    async fn search(mut self) {
        let before = self.canaries.at_rest_count();
        self.database.teach(self.directory.path(), &mut self.canaries).await;
        assert!(before > 10, "the search knows what to look for");
        let traces = self.collector.exports();
        assert!(traces.len() > 3, "only {} batches of traces", traces.len());
        self.witness.hear("traces", serde_json::to_vec(&traces).unwrap());
        self.witness.check(&self.canaries);
        self.database.check(self.directory.path(), &self.canaries);
        for request in self.upstream.ledger.requests() {
            let sent = format!("{:?}", request.head);
            assert!(!sent.contains(PASSWORD) && !sent.contains(MASTER_KEY), "{sent}");
        }
    }

    /// A call that succeeds.
    async fn must(&self, gateway: &Gateway, token: &str, method: &str, path: &str, body: &Value) -> Value {
        let response = self.witness.call(gateway, token, method, path, body).await;
        assert!(matches!(response.status(), 200 | 204), "{method} {path}: {}", response.text());
        if response.status() == 204 { Value::Null } else { response.json() }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
