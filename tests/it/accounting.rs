//! Every request is accounted for exactly once, with the reason its client saw, in the metrics and in the access log alike
//! (020-US6-AC2, H26, H50).

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use gate_testkit::{
    Answer, Blackhole, BodyEnd, Echo, Gateway, Mood, PATIENCE, Proxy, RawClient, ResetBeforeHead, Sidecar,
    StallAfterHead, Upstream, seed,
};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tokio::task::JoinSet;

/// How a request ended: the status its client got, 499 if it did not wait for one, and the reason.
type Ending = (u16, String);
type Tally = BTreeMap<Ending, u64>;

/// One way to make a request end.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Sends this and reads the answer. What the client sees says how it ended.
    Ask(&'static str),
    /// Same, and what the client sees of it is an answer that breaks off.
    BreaksOff(&'static str, &'static str),
    /// Sends this and leaves without waiting.
    LeavesAtOnce(&'static str),
    /// Reads the head of the answer and leaves.
    LeavesInBody(&'static str),
}

const WAYS: &[Way] = &[
    // Answers of an upstream.
    Way::Ask("GET /-/well HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/well?status=404 HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/well?status=503 HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("POST /-/well HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
    // What cannot be read, or is refused as it stands.
    Way::Ask("GET /-/well HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n"),
    Way::Ask("GET /-/well/../x HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/well HTTP/3.0\r\nHost: a\r\n\r\n"),
    Way::Ask("TRACE /-/well HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/well HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n"),
    Way::Ask("GET /-/well HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
    Way::Ask("GET /-/none HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/inactive HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/superusers HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/unresolved HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask(
        "OPTIONS /-/well HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
    ),
    // Limits.
    Way::Ask("GET /-/rate HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/limit HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/queue HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/caller HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/broken HTTP/1.1\r\nHost: a\r\n\r\n"),
    // Upstreams that misbehave.
    Way::Ask("GET /-/closed HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/hole HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/nowhere HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/reset HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/nonsense HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/silent HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::Ask("GET /-/slow HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::BreaksOff("GET /-/half HTTP/1.1\r\nHost: a\r\n\r\n", "upstream_truncated"),
    Way::BreaksOff("GET /-/stall HTTP/1.1\r\nHost: a\r\n\r\n", "timeout_body_idle"),
    // Clients that misbehave.
    Way::Ask("POST /-/well HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe"),
    Way::LeavesAtOnce("GET /-/held HTTP/1.1\r\nHost: a\r\n\r\n"),
    Way::LeavesInBody("GET /-/endless HTTP/1.1\r\nHost: a\r\n\r\n"),
];

/// Everything a request can meet. Held, so that it stays.
struct Surroundings {
    well: Upstream,
    reset: Upstream,
    nonsense: Upstream,
    half: Upstream,
    stall: Upstream,
    hole: Blackhole,
    held: Sidecar,
    busy: Sidecar,
    failing: Sidecar,
}

async fn surrounded(access_log: &std::path::Path) -> (Gateway, Surroundings) {
    let closed = Upstream::start(Echo).await.url();
    let around = Surroundings {
        well: Upstream::start(Echo).await,
        reset: Upstream::start(ResetBeforeHead).await,
        nonsense: Upstream::start(Answer::then_close("SSH-2.0-nonsense\r\n\r\n")).await,
        half: Upstream::start(Answer::then_close("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")).await,
        stall: Upstream::start(StallAfterHead).await,
        hole: Blackhole::start(),
        held: Sidecar::start(Mood::Held).await,
        busy: Sidecar::start(Mood::Slow(Duration::from_millis(30))).await,
        failing: Sidecar::start(Mood::Fails(500)).await,
    };
    let quick = r#"{"dial":1,"response_header":1,"body_idle":1}"#;
    let well = around.well.url();
    let proxy = |path: &str, url: &str| Proxy::new(path, url).timeout_config(quick);
    let proxies = [
        proxy("/-/well", &well),
        proxy("/-/inactive", &well).active(false),
        proxy("/-/superusers", &well).access_rule(""),
        proxy("/-/unresolved", &well).header("X-Key: {env.NO_SUCH_VARIABLE}"),
        proxy("/-/rate", &well).rate_limit(r#"{"requests":5,"window":60,"by":"proxy"}"#),
        proxy("/-/limit", &around.busy.url()).max_concurrent(1),
        proxy("/-/queue", &around.busy.url())
            .max_concurrent(1)
            .queue_config(r#"{"max_waiting":2,"timeout":0.1}"#),
        proxy("/-/caller", &around.busy.url()).limits(r#"{"per_ip":1}"#),
        proxy("/-/broken", &around.failing.url())
            .circuit_breaker(r#"{"enabled":true,"failure_threshold":3,"recovery_timeout":300}"#),
        proxy("/-/closed", &closed),
        proxy("/-/hole", &around.hole.url()),
        proxy("/-/nowhere", "http://no-such-host.invalid"),
        proxy("/-/reset", &around.reset.url()),
        proxy("/-/nonsense", &around.nonsense.url()),
        proxy("/-/silent", &around.held.url()),
        Proxy::new("/-/slow", &around.held.url()).timeout(1),
        Proxy::new("/-/held", &around.held.url()),
        proxy("/-/half", &around.half.url()),
        proxy("/-/stall", &around.stall.url()),
        Proxy::new("/-/endless", &around.stall.url()),
    ];
    let path = access_log.to_str().unwrap();
    let arguments =
        ["--metrics-public", "--access-log", path, "--access-log-format", "json", "--workers", "2"];
    (Gateway::builder().proxies(proxies).arguments(arguments).start().await, around)
}

impl Way {
    /// One request; how it ended.
    async fn go(self, gateway: std::net::SocketAddr) -> Ending {
        let mut client = RawClient::connect(gateway).await;
        match self {
            Way::Ask(request) => {
                client.send(request).await.unwrap();
                let method = request.split(' ').next().unwrap();
                let response = client.read_response_to(method).await.unwrap();
                let reason = response.header("x-gateway-reason").unwrap_or("completed").to_owned();
                (response.status(), reason)
            }
            Way::BreaksOff(request, reason) => {
                client.send(request).await.unwrap();
                let head = client.read_head().await.unwrap();
                // On a busy machine the upstream may not be reached in time; the answer then says so, and is whole.
                match (client.read_body().await.unwrap().1, head.headers.value("x-gateway-reason")) {
                    (BodyEnd::Complete, Some(refused)) => (head.status, refused.to_owned()),
                    (end, _) => {
                        assert_eq!(end, BodyEnd::Truncated, "{request}");
                        (head.status, reason.to_owned())
                    }
                }
            }
            Way::LeavesAtOnce(request) => {
                client.send(request).await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
                (499, "client_closed".to_owned())
            }
            Way::LeavesInBody(request) => {
                client.send(request).await.unwrap();
                let head = client.read_head().await.unwrap();
                client.reset();
                (head.status, "client_closed".to_owned())
            }
        }
    }
}

/// What the metrics say: how many requests ended with each class of status, and with each reason.
struct Counted {
    by_class: BTreeMap<String, u64>,
    by_reason: BTreeMap<String, u64>,
    text: String,
}

impl Counted {
    async fn of(gateway: &Gateway) -> Self {
        let text = gateway.get("/api/gateway/metrics").await.text();
        let sum_by = |family: &str, label: &str| {
            let mut sums = BTreeMap::new();
            for line in
                text.lines().filter(|line| line.starts_with(family) && !line.contains("_control_plane"))
            {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let (_, rest) = series.split_once(&format!("{label}=\"")).unwrap();
                let (label, _) = rest.split_once('"').unwrap();
                *sums.entry(label.to_owned()).or_default() += value.parse::<u64>().unwrap();
            }
            sums.retain(|_, sum: &mut u64| *sum > 0);
            sums
        };
        let (by_class, mut by_reason) =
            (sum_by("gateway_requests_total{", "status"), sum_by("gateway_errors_total{", "type"));
        by_reason.retain(|reason, _| !reason.ends_with("xx"));
        Counted { by_class, by_reason, text }
    }

    fn requests(&self) -> u64 {
        self.by_class.values().sum()
    }

    /// Every sample of a gauge, the control plane's apart: what is asked is one that runs.
    fn samples(&self, name: &str) -> Vec<f64> {
        let is_it = |line: &&str| line.starts_with(name) && !line.contains("_control_plane");
        let value = |line: &str| line.rsplit_once(' ').unwrap().1.parse().unwrap();
        self.text.lines().filter(is_it).map(value).collect()
    }

    /// H57: what is at or below infinity is everything.
    fn assert_histograms_add_up(&self) {
        let mut histograms = 0;
        for line in self.text.lines().filter(|line| line.contains("le=\"+Inf\"")) {
            let (series, within) = line.rsplit_once(' ').unwrap();
            let count = series.replace("_bucket{", "_count{").replace("le=\"+Inf\"", "");
            let count = count.replace(",}", "}").replace("{}", "");
            let counted = self.text.lines().find_map(|line| line.strip_prefix(count.as_str()));
            assert_eq!(counted.map(str::trim), Some(within), "{series} and {count}");
            histograms += 1;
        }
        assert!(histograms > 10, "only {histograms} histograms");
    }
}

fn sums(tally: &Tally, key: impl Fn(&Ending) -> String) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (ending, count) in tally {
        *sums.entry(key(ending)).or_default() += count;
    }
    sums
}

/// What the access log says.
fn logged(path: &std::path::Path) -> Tally {
    let mut tally = Tally::new();
    for line in fs::read_to_string(path).unwrap_or_default().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["proxy"] != "_control_plane" {
            let status = u16::try_from(line["status"].as_u64().unwrap()).unwrap();
            *tally.entry((status, line["reason"].as_str().unwrap().to_owned())).or_default() += 1;
        }
    }
    tally
}

async fn account_for(clients: u64, requests_each: u64) {
    let directory = tempfile::tempdir().unwrap();
    let access_log = directory.path().join("access.log");
    let (gateway, _around) = surrounded(&access_log).await;
    let (address, seed) = (gateway.address, seed());
    let mut running = JoinSet::new();
    for number in 0..clients {
        running.spawn(async move {
            let mut rng = SmallRng::seed_from_u64(seed ^ number);
            let mut tally = Tally::new();
            for _ in 0..requests_each {
                let way = WAYS[rng.random_range(0..WAYS.len())];
                *tally.entry(way.go(address).await).or_default() += 1;
            }
            tally
        });
    }
    let mut seen = Tally::new();
    for tally in running.join_all().await {
        for (ending, count) in tally {
            *seen.entry(ending).or_default() += count;
        }
    }
    let sent: u64 = seen.values().sum();
    let started = Instant::now();
    let counted = loop {
        let counted = Counted::of(&gateway).await;
        if (counted.requests() == sent && logged(&access_log) == seen) || started.elapsed() > PATIENCE {
            break counted;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(logged(&access_log), seen, "the access log");
    assert_eq!(counted.by_class, sums(&seen, |(status, _)| format!("{}xx", status / 100)), "by status");
    let mut failures = sums(&seen, |(_, reason)| reason.clone());
    failures.remove("completed");
    assert_eq!(counted.by_reason, failures, "by reason");
    assert!(failures.len() >= 24, "{} reasons: {failures:#?}", failures.len());
    for gauge in ["gateway_active_connections{", "gateway_limiter_in_flight{", "gateway_limiter_waiting{"] {
        let samples = counted.samples(gauge);
        assert!(!samples.is_empty() && samples.iter().all(|value| *value == 0.0), "{gauge}: {samples:?}");
    }
    counted.assert_histograms_add_up();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r020_us6_ac2_h26_h50_every_request_is_accounted_for_once_whatever_its_end() {
    account_for(64, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long, four minutes: make check"]
async fn a_hundred_thousand_requests_are_accounted_for() {
    account_for(256, 391).await;
}
