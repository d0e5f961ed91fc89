//! Asks the control plane over an in-memory connection, as the data plane does.

use crate::gateway::{LastMinute, MetricsAccess};
use crate::rate_limit::Windows;
use crate::realtime::Hub;
use crate::router::router;
use crate::serve::serve_router;
use crate::services::{Authenticate, Services};
use axum::Router;
use axum::response::Response;
use gate_records::auth::{Authenticator, FirstSuperuser, Passwords, Superusers, Unavailable};
use gate_records::backups::Backups;
use gate_records::collections::{SUPERUSERS, USERS};
use gate_records::records::{AuthRecord, Record, Records};
use gate_records::request_log::RequestLog;
use gate_records::secrets::{Keyring, Secrets};
use gate_records::{EnvironmentPolicy, LiveSettings, Publisher};
use gate_snapshot::{Published, UpstreamAddresses};
use gate_store::Store;
use gate_telemetry::access_log::AccessLogs;
use gate_telemetry::in_flight::InFlight;
use gate_telemetry::metrics::ProcessMetrics;
use gate_upstream::{Dialer, DialerConfig, ForwardProxies, HttpClient, Resolver};
use serde_json::Value;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// An answer, taken apart.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    fields: Vec<(String, String)>,
}

impl Answer {
    /// The value of the only field of that name, which is asked for in lower case.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "two fields {name}");
        value
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let fields = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Answer { status, body: body.to_owned(), fields }
    }
}

/// The field of a request made by a superuser.
pub(crate) const SUPERUSER: &str = "Authorization: superuser\r\n";
/// The field of a request made by a record of `users`.
pub(crate) const USER: &str = "Authorization: Bearer user\r\n";
/// The token of somebody whom nobody can name at the moment.
pub(crate) const UNAVAILABLE: &str = "unavailable";

/// A control plane over a store of its own, which knows the tokens of [`SUPERUSER`] and [`USER`].
pub(crate) struct Server {
    pub(crate) services: Arc<Services>,
    /// What the records are in.
    pub(crate) store: Store,
    /// What the data plane would work with.
    pub(crate) published: Arc<Published>,
    /// What makes the first superuser.
    pub(crate) setup_token: String,
    /// For tests that need a superuser with a password.
    pub(crate) superusers: Superusers,
    _directory: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// One whose services are not quite the usual ones.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Services)) -> Self {
        let directory = TempDir::new().unwrap();
        let store = Store::open(directory.path()).await.unwrap();
        let environment = || EnvironmentPolicy::with_reader([], |_| None);
        let published = Arc::new(Published::default());
        let metrics = Arc::new(ProcessMetrics::new(1, true));
        let keyring = Keyring::open_or_create(directory.path(), |_| None).unwrap();
        let secrets = Secrets::new(store.clone(), Some(keyring), "");
        let publisher = Publisher::start(
            store.clone(),
            secrets.clone(),
            environment(),
            Arc::clone(&published),
            Arc::clone(&metrics),
        );
        let publisher = publisher.await.unwrap();
        let publishing = publisher.publishing();
        tokio::spawn(publisher.run(std::future::pending()));
        let passwords = Passwords::default();
        let records = Records::new(
            store.clone(),
            passwords.clone(),
            secrets.clone(),
            environment(),
            UpstreamAddresses::default(),
            publishing,
        );
        let hub = Hub::default();
        let follower = records.follow(hub.listened()).await.unwrap();
        tokio::spawn(hub.clone().run(follower.changes()));
        tokio::spawn(follower.run());
        let authenticator = Authenticator::open(store.clone(), passwords.clone()).await.unwrap();
        let superusers = Superusers::new(store.clone(), passwords);
        let setup = FirstSuperuser::open(superusers.clone(), authenticator.clone()).await;
        let (first_superuser, setup_token) = setup.unwrap();
        let (request_log, log_writer) = RequestLog::new(store.clone());
        tokio::spawn(log_writer.run());
        let mut services = Services {
            authenticate: authenticate(authenticator.clone()),
            authenticator,
            first_superuser,
            records,
            secrets,
            reveal_secrets: false,
            published: Arc::clone(&published),
            client: client(),
            has_pocketbase: false,
            hub,
            settings: LiveSettings::open(store.clone()).await.unwrap(),
            request_log,
            access_log: AccessLogs::off(),
            in_flight: InFlight::new(0),
            traced: Arc::default(),
            backups: Backups::new(store.clone(), directory.path().to_owned()),
            windows: Windows::default(),
            last_minute: LastMinute::default(),
            metrics,
            metrics_access: MetricsAccess::default(),
            store_kind: "sqlite",
        };
        change(&mut services);
        let services = Arc::new(services);
        let setup_token = setup_token.unwrap();
        Server { services, store, published, setup_token, superusers, _directory: directory }
    }

    /// Sends one request without a body, with more field lines if there are any, and reads the answer.
    pub(crate) async fn request(&self, method: &str, target: &str, fields: &str) -> Answer {
        self.exchange(&format!("{}{fields}\r\n", head(method, target))).await
    }

    /// Sends one request with a JSON body, and reads the answer.
    pub(crate) async fn send(&self, method: &str, target: &str, fields: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let framing = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        self.raw(method, target, &format!("{fields}{framing}"), &body).await
    }

    /// Sends one request whose field lines say what its body is, and reads the answer.
    pub(crate) async fn raw(&self, method: &str, target: &str, fields: &str, body: &str) -> Answer {
        self.exchange(&format!("{}{fields}\r\n{body}", head(method, target))).await
    }

    async fn exchange(&self, request: &str) -> Answer {
        Answer::parse(&exchange_with(Arc::clone(&self.services), request).await)
    }
}

/// Sends one request to a fresh control plane.
pub(crate) async fn request(method: &str, target: &str, fields: &str) -> Answer {
    Server::start().await.request(method, target, fields).await
}

/// Sends raw bytes to a fresh control plane and reads until the connection is closed.
pub(crate) async fn exchange(request: &str) -> String {
    let server = Server::start().await;
    exchange_with(Arc::clone(&server.services), request).await
}

async fn exchange_with(services: Arc<Services>, request: &str) -> String {
    let mut client = connect(router(services));
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

fn head(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: gateway.example\r\nConnection: close\r\n")
}

/// Dials as the data plane does.
fn client() -> HttpClient {
    let (control_plane, _connections) = gate_upstream::control_plane();
    HttpClient::new(Dialer::new(DialerConfig {
        resolver: Resolver::new(Handle::current()),
        control_plane,
        forward_proxies: ForwardProxies::default(),
        addresses: UpstreamAddresses::default(),
    }))
}

/// Knows the two tokens and those the authenticator gave out.
fn authenticate(authenticator: Authenticator) -> Authenticate {
    Arc::new(move |token| {
        let authenticator = authenticator.clone();
        Box::pin(async move {
            match record_of(&token) {
                Some(record) => Ok(Some(record)),
                None if token == UNAVAILABLE => Err(Unavailable),
                None => Ok(authenticator.authenticate(&token).await.unwrap().map(|known| known.record)),
            }
        })
    })
}

fn record_of(token: &str) -> Option<AuthRecord> {
    let (collection, id) = match token {
        "superuser" => (&SUPERUSERS, "su0000000000001"),
        "user" => (&USERS, "us0000000000001"),
        _ => return None,
    };
    let mut record = Record::new(collection);
    record.set("id", id);
    Some(AuthRecord::local(&record))
}

/// Opens a connection to a router.
pub(crate) fn connect(router: Router) -> DuplexStream {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let (sender, receiver) = mpsc::channel(1);
    sender.try_send(server).unwrap();
    tokio::spawn(serve_router(receiver, router));
    client
}

/// The body of a response.
pub(crate) async fn text_of(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// One call of the API, and what it has to answer. Calls of a table are made in their order on one server.
pub(crate) struct Scenario {
    /// What it shows.
    pub(crate) name: &'static str,
    /// Method and target.
    pub(crate) call: &'static str,
    /// Field lines, such as [`SUPERUSER`].
    pub(crate) fields: &'static str,
    /// A JSON body; null = none.
    pub(crate) body: Value,
    pub(crate) status: u16,
    /// Members the answer has, with these values: `a/b` is a member of a member.
    pub(crate) has: Vec<(&'static str, Value)>,
    /// Members the answer does not have.
    pub(crate) lacks: Vec<&'static str>,
}

impl Scenario {
    /// A call that has to be answered with a status.
    pub(crate) fn new(name: &'static str, fields: &'static str, call: &'static str, status: u16) -> Self {
        Scenario { name, call, fields, body: Value::Null, status, has: Vec::new(), lacks: Vec::new() }
    }

    /// Sends this body.
    pub(crate) fn body(self, body: Value) -> Self {
        Scenario { body, ..self }
    }

    /// The answer has this member.
    pub(crate) fn has(mut self, path: &'static str, value: impl Into<Value>) -> Self {
        self.has.push((path, value.into()));
        self
    }

    /// The answer has this sentence and no errors of fields.
    pub(crate) fn says(self, message: &'static str) -> Self {
        let status = self.status;
        self.has("message", message).has("status", status).has("data", Value::Object(serde_json::Map::new()))
    }

    /// The answer lacks this member.
    pub(crate) fn lacks(mut self, path: &'static str) -> Self {
        self.lacks.push(path);
        self
    }

    async fn run(&self, server: &Server) {
        let (method, target) = self.call.split_once(' ').expect("method and target");
        let answer = match &self.body {
            Value::Null => server.request(method, target, self.fields).await,
            body => server.send(method, target, self.fields, body).await,
        };
        let called = format!("{}: {}: {}", self.name, self.call, answer.body);
        assert_eq!(answer.status, self.status, "{called}");
        let body = if answer.body.is_empty() { Value::Null } else { answer.json() };
        let found = |path: &str| path.split('/').try_fold(&body, |value, member| member_of(value, member));
        for (path, expected) in &self.has {
            assert_eq!(found(path), Some(expected), "{path} in {called}");
        }
        for path in &self.lacks {
            assert_eq!(found(path), None, "{path} in {called}");
        }
    }
}

/// Makes the calls of a table one after the other.
pub(crate) async fn check_all(server: &Server, scenarios: Vec<Scenario>) {
    for scenario in scenarios {
        scenario.run(server).await;
    }
}

fn member_of<'a>(value: &'a Value, member: &str) -> Option<&'a Value> {
    match value {
        Value::Array(values) => values.get(member.parse::<usize>().ok()?),
        value => value.get(member),
    }
}
