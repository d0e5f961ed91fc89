//! A kill loses nothing that was acknowledged, and leaves nothing half done (robustness: kill -9).
//!
//! Writers change proxies, pairs of proxies in one batch, and secrets over the API until the gateway, or the database,
//! is killed in the middle of it. What a writer was told counts; of the one write it was waiting for, either outcome is
//! right. Then what is stored is compared with that, and what is in force with what is stored.

use crate::administrator::Administrator;
use crate::postgresql::with_shared_key;
use gate_testkit::{
    Echo, Gateway, GatewayBuilder, PATIENCE, PostgreSql, RawClient, Response, Signal, Upstream, eventually,
    seed,
};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const WRITES: usize = 500;
const WRITES_OF_A_ROUND: Range<usize> = 20..80;
const WRITERS: usize = 4;

const PROXIES: &str = "/api/collections/_proxies/records";

#[tokio::test]
async fn acknowledged_writes_survive_the_kill_of_a_gateway_with_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let builder = || Gateway::builder().directory(directory.path());
    write_and_kill(builder, &mut Victim::Gateway).await;
}

#[tokio::test]
async fn acknowledged_writes_survive_the_kill_of_a_gateway_with_postgresql() {
    let url = PostgreSql::shared().database();
    write_and_kill(|| with_shared_key(Gateway::builder(), &url), &mut Victim::Gateway).await;
}

#[tokio::test]
async fn acknowledged_writes_survive_the_kill_of_postgresql() {
    let server = PostgreSql::start();
    let url = server.database();
    write_and_kill(|| with_shared_key(Gateway::builder(), &url), &mut Victim::Database(server)).await;
}

/// Who is killed.
enum Victim {
    Gateway,
    Database(PostgreSql),
}

async fn write_and_kill(builder: impl Fn() -> GatewayBuilder, victim: &mut Victim) {
    let mut random = SmallRng::seed_from_u64(seed());
    let upstream = Upstream::start(Echo).await;
    let mut gateway = builder().start().await;
    let token = Administrator::of(&gateway).await.token;
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let writer = Writer::new(number, &token, &upstream.url(), random.random());
        writer.furnish(&gateway).await;
        writers.push(writer);
    }
    let mut acknowledged = 0;
    while acknowledged < WRITES {
        let wanted = random.random_range(WRITES_OF_A_ROUND);
        let pause = Duration::from_micros(random.random_range(0..3000));
        acknowledged += one_round(&gateway, victim, &mut writers, wanted, pause).await;
        if matches!(victim, Victim::Gateway) {
            gateway = builder().start().await;
        }
        for writer in &mut writers {
            writer.check(&gateway).await;
        }
    }
}

/// Writes until the kill; returns how many writes were acknowledged.
async fn one_round(
    gateway: &Gateway,
    victim: &mut Victim,
    writers: &mut Vec<Writer>,
    wanted: usize,
    pause: Duration,
) -> usize {
    let progress = Arc::new(Progress::default());
    let mut running = Vec::new();
    for mut writer in writers.drain(..) {
        let (client, progress) = (gateway.connect().await, Arc::clone(&progress));
        running.push(tokio::spawn(async move {
            writer.write_until_killed(client, &progress).await;
            writer
        }));
    }
    eventually(PATIENCE, || progress.acknowledged.load(Ordering::SeqCst) >= wanted).await;
    tokio::time::sleep(pause).await;
    match victim {
        Victim::Gateway => gateway.signal(Signal::Kill),
        Victim::Database(server) => server.kill(),
    }
    progress.is_killed.store(true, Ordering::SeqCst);
    if let Victim::Database(server) = victim {
        server.resume();
    }
    for writer in running {
        writers.push(writer.await.unwrap());
    }
    progress.acknowledged.load(Ordering::SeqCst)
}

/// Of a round.
#[derive(Default)]
struct Progress {
    acknowledged: AtomicUsize,
    is_killed: AtomicBool,
}

/// Somebody who changes some things that nobody else changes.
struct Writer {
    token: String,
    upstream: String,
    slots: Vec<Slot>,
    random: SmallRng,
    next_version: u32,
}

/// A thing that is there in one version, or not at all.
struct Slot {
    kind: Kind,
    name: String,
    acknowledged: Option<u32>,
    /// What it would be after the write that nobody acknowledged; the same as `acknowledged` when there was none.
    attempted: Option<u32>,
}

#[derive(Clone, Copy)]
enum Kind {
    Proxy,
    /// Two proxies that are only ever changed together.
    Pair,
    Secret,
}

/// A method, a path and a body.
type Write = (&'static str, String, Value);

impl Writer {
    fn new(number: usize, token: &str, upstream: &str, seed: u64) -> Self {
        let kinds = [Kind::Proxy, Kind::Proxy, Kind::Pair, Kind::Secret, Kind::Secret];
        let slot = |(index, kind)| Slot {
            kind,
            name: format!("w{number}x{index}"),
            acknowledged: None,
            attempted: None,
        };
        Writer {
            token: token.to_owned(),
            upstream: upstream.to_owned(),
            slots: kinds.into_iter().enumerate().map(slot).collect(),
            random: SmallRng::seed_from_u64(seed),
            next_version: 1,
        }
    }

    /// Makes what shows which secret is in force.
    async fn furnish(&self, gateway: &Gateway) {
        for slot in self.slots.iter().filter(|slot| matches!(slot.kind, Kind::Secret)) {
            let headers = json!({"X-Version": format!("{{secret.{}}}", slot.name)});
            let record = json!({"path": slot.path(""), "upstream": self.upstream, "accessRule": "true",
                "headers": headers});
            let made = self.call(&mut gateway.connect().await, &("POST", PROXIES.to_owned(), record)).await;
            assert_eq!(made.unwrap().status(), 200);
        }
    }

    async fn write_until_killed(&mut self, mut client: RawClient, progress: &Progress) {
        while !progress.is_killed.load(Ordering::SeqCst) {
            let index = self.random.random_range(0..self.slots.len());
            let delete = self.random.random_ratio(1, 5) && self.slots[index].acknowledged.is_some();
            let version = if delete { None } else { Some(self.next_version) };
            self.next_version += 1;
            let write = self.slots[index].write(version, &self.upstream);
            self.slots[index].attempted = version;
            match self.call(&mut client, &write).await {
                Some(answer) if matches!(answer.status(), 200 | 204) => {
                    self.slots[index].acknowledged = version;
                    progress.acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                Some(answer) if answer.status() == 503 => return,
                Some(answer) => panic!("{write:?}: {}", answer.text()),
                None => return,
            }
        }
    }

    /// `None` when the gateway went away instead of answering.
    async fn call(&self, client: &mut RawClient, (method, path, body): &Write) -> Option<Response> {
        let authorization = format!("Authorization: {}", self.token);
        let lines = ["Content-Type: application/json", &authorization];
        client.send_request(method, path, &lines, body.to_string().as_bytes()).await.ok()?;
        client.read_response_to(method).await.ok()
    }

    /// Compares what is stored with what was acknowledged, and what is in force with what is stored.
    async fn check(&mut self, gateway: &Gateway) {
        let mut client = gateway.connect().await;
        for index in 0..self.slots.len() {
            let stored = self.stored(&mut client, &self.slots[index]).await;
            let slot = &mut self.slots[index];
            let name = &slot.name;
            let expected = [slot.acknowledged, slot.attempted];
            assert!(expected.contains(&stored), "{name}: {stored:?} is none of {expected:?}");
            (slot.acknowledged, slot.attempted) = (stored, stored);
            for end in slot.ends() {
                let started = Instant::now();
                while in_force(gateway, &slot.path(end)).await != stored {
                    assert!(started.elapsed() < Duration::from_secs(5), "{name}: {stored:?} is not in force");
                }
            }
        }
    }

    /// The version that the API shows, which has to be the same in all parts.
    async fn stored(&self, client: &mut RawClient, slot: &Slot) -> Option<u32> {
        let mut versions = Vec::new();
        for end in slot.ends() {
            let path = match slot.kind {
                Kind::Secret => format!("/api/secrets/{}", slot.name),
                _ => format!("{PROXIES}/{}", slot.id(end)),
            };
            let shown = self.available(client, ("GET", path, Value::Null)).await;
            let record = if shown.status() == 404 { Value::Null } else { shown.json() };
            let texts = match slot.kind {
                Kind::Secret => vec![&record["masked_value"], &record["description"]],
                _ => vec![&record["name"], &record["description"], &record["headers"]["X-Version"]],
            };
            versions.extend(texts.into_iter().map(version_in));
        }
        versions.dedup();
        assert_eq!(versions.len(), 1, "{} is half done: {versions:?}", slot.name);
        versions[0]
    }

    /// An answer from a database that has come back.
    async fn available(&self, client: &mut RawClient, read: Write) -> Response {
        let started = Instant::now();
        loop {
            let answer = self.call(client, &read).await.unwrap();
            if answer.status() != 503 {
                return answer;
            }
            assert!(started.elapsed() < PATIENCE, "{read:?}: {}", answer.text());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Slot {
    /// The parts that are changed together.
    fn ends(&self) -> &'static [&'static str] {
        if matches!(self.kind, Kind::Pair) { &["a", "b"] } else { &[""] }
    }

    fn path(&self, end: &str) -> String {
        format!("/-/{}{end}", self.name)
    }

    fn id(&self, end: &str) -> String {
        format!("{:0>15}", format!("{}{end}", self.name))
    }

    /// What brings it to that version.
    fn write(&self, version: Option<u32>, upstream: &str) -> Write {
        match self.kind {
            Kind::Secret => self.secret(version),
            Kind::Proxy => self.proxy("", version, upstream),
            Kind::Pair => {
                let requests: Vec<Value> = self
                    .ends()
                    .iter()
                    .map(|end| self.proxy(end, version, upstream))
                    .map(|(method, url, body)| json!({"method": method, "url": url, "body": body}))
                    .collect();
                ("POST", "/api/batch".to_owned(), json!({"requests": requests}))
            }
        }
    }

    fn secret(&self, version: Option<u32>) -> Write {
        let path = format!("/api/secrets/{}", self.name);
        let Some(version) = version.map(text_of) else { return ("DELETE", path, Value::Null) };
        let body = json!({"key": self.name, "value": format!("{version}-and-more"), "description": version});
        match self.acknowledged {
            None => ("POST", "/api/secrets".to_owned(), body),
            Some(_) => ("PUT", path, body),
        }
    }

    fn proxy(&self, end: &str, version: Option<u32>, upstream: &str) -> Write {
        let path = format!("{PROXIES}/{}", self.id(end));
        let Some(version) = version.map(text_of) else { return ("DELETE", path, Value::Null) };
        let body = json!({"id": self.id(end), "path": self.path(end), "upstream": upstream, "accessRule": "true",
            "name": version, "description": version, "headers": {"X-Version": version}});
        match self.acknowledged {
            None => ("POST", PROXIES.to_owned(), body),
            Some(_) => ("PATCH", path, body),
        }
    }
}

/// As much of a secret as is shown.
fn text_of(version: u32) -> String {
    format!("v{version:05}")
}

fn version_in(value: &Value) -> Option<u32> {
    let text = value.as_str()?;
    Some(text.get(1..6).unwrap_or_default().parse().unwrap_or_else(|_| panic!("{text:?} is no version")))
}

/// The version that requests are sent on with.
async fn in_force(gateway: &Gateway, path: &str) -> Option<u32> {
    let answer = gateway.get(path).await;
    match (answer.status(), answer.gateway_reason()) {
        (404, "not_found") | (500, "template_unresolved") => None,
        (200, _) => {
            let seen = answer.json();
            let mut headers = seen["headers"].as_array().unwrap().iter();
            version_in(&headers.find(|header| header[0] == "x-version" || header[0] == "X-Version")?[1])
        }
        _ => panic!("{path}: {}", answer.text()),
    }
}
