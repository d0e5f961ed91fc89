//! One line about every request (020-FR-021, H24, H28). That each end of a request has exactly one is shown by `accounting`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gate_testkit::{
    CloseAfterRequest, Echo, Gateway, GatewayBuilder, H2Behaviour, H2Upstream, LogLine, Mood, PATIENCE,
    Proxy, Sidecar, Signal, TestAuthority, Upstream, eventually, within,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::administrator::Administrator;

/// A gateway with the proxy `/-/up` whose access log is a file of JSON lines.
struct Logging {
    gateway: Gateway,
    directory: TempDir,
}

impl Logging {
    async fn of(upstream: &str) -> Self {
        Self::with(upstream, &[], |builder| builder).await
    }

    async fn with(
        upstream: &str,
        arguments: &[&str],
        adapt: impl FnOnce(GatewayBuilder) -> GatewayBuilder,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let builder = Gateway::builder().proxy(Proxy::new("/-/up", upstream).name("Up"));
        let builder = builder.arguments(["--access-log", path_in(&directory).to_str().unwrap()]);
        Logging { gateway: adapt(builder.arguments(arguments)).start().await, directory }
    }

    fn path(&self) -> PathBuf {
        path_in(&self.directory)
    }

    /// The lines so far.
    fn lines(&self) -> Vec<Value> {
        lines_of(&self.path())
    }

    /// The lines once there are so many.
    async fn some(&self, count: usize) -> Vec<Value> {
        eventually(PATIENCE, || self.lines().len() >= count).await;
        self.lines()
    }

    /// The one line.
    async fn line(&self) -> Value {
        let mut lines = self.some(1).await;
        assert_eq!(lines.len(), 1, "{lines:#?}");
        lines.remove(0)
    }
}

fn path_in(directory: &TempDir) -> PathBuf {
    directory.path().join("access.log")
}

/// Whole lines, each of them JSON.
fn lines_of(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn milliseconds(line: &Value, member: &str) -> f64 {
    line[member].as_f64().unwrap_or_else(|| panic!("no {member} in {line}"))
}

#[tokio::test]
async fn a_line_says_what_was_asked_and_what_became_of_it() {
    let upstream = Upstream::start(Echo).await;
    let logging = Logging::of(&upstream.url()).await;
    let response = logging.gateway.connect().await.request("POST", "/-/up/x?a=1", &[], b"hello").await;
    assert_eq!(response.status(), 200);
    let line = logging.line().await;
    let expected = json!({
        "level": "INFO", "proxy": "Up", "method": "POST", "path": "/-/up/x?a=1", "status": 200, "reason": "completed",
        "side": null, "identity": null, "client_ip": "127.0.0.1", "reused": false, "attempts": 1, "events": 0,
        "breaker": "off", "concurrent": 1, "cause": null,
    });
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&line[member], value, "{member} in {line}");
    }
    assert_eq!(line["upstream"], upstream.url().replace("http://", ""));
    assert_eq!(line["proxy_id"].as_str().map(str::len), Some(15), "{line}");
    assert!(line["bytes_received"].as_u64() > Some(5) && line["bytes_sent"].as_u64() > Some(100), "{line}");
    assert!(milliseconds(&line, "total_ms") >= milliseconds(&line, "upstream_latency_ms"), "{line}");
}

#[tokio::test]
async fn an_upstream_that_speaks_http2_has_its_address_in_every_line() {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::Echo).await;
    let logging =
        Logging::with(&upstream.url(), &["--workers", "1"], |builder| builder.trusting(&authority)).await;
    for reused in [false, true] {
        assert_eq!(logging.gateway.get("/-/up").await.status(), 200);
        let line = logging.some(1 + usize::from(reused)).await.pop().unwrap();
        assert_eq!(
            (&line["upstream"], &line["reused"]),
            (&json!(format!("127.0.0.1:{}", upstream.port())), &json!(reused))
        );
    }
}

#[tokio::test]
async fn the_request_has_one_id_in_answer_log_and_upstream() {
    let upstream = Upstream::start(Echo).await;
    let logging = Logging::of(&upstream.url()).await;
    let response = logging.gateway.get("/-/up").await;
    let sent_on = header_of(&response.json(), "x-request-id");
    assert_eq!(response.header("x-request-id"), Some(&*sent_on));
    assert_eq!(logging.line().await["request_id"], *sent_on);
    let refused = logging.gateway.get("/-/none").await;
    let id = refused.header("x-request-id").unwrap().to_owned();
    assert!(id != sent_on && refused.text().contains(&id), "{}", refused.text());
    assert_eq!(logging.some(2).await[1]["request_id"], *id);
}

/// A header of the request that an upstream describes.
fn header_of(described: &Value, name: &str) -> String {
    let headers = described["headers"].as_array().unwrap();
    let is_it = |field: &&Value| field[0].as_str().is_some_and(|found| found.eq_ignore_ascii_case(name));
    headers.iter().find(is_it).unwrap_or_else(|| panic!("no {name} in {described}"))[1]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn h42_a_failure_has_its_side_and_the_whole_cause() {
    let upstream = Upstream::start(CloseAfterRequest).await;
    let logging = Logging::of(&upstream.url()).await;
    assert_eq!(logging.gateway.get("/-/up").await.status(), 502);
    let line = logging.line().await;
    assert_eq!(
        (&line["level"], &line["side"], &line["reason"]),
        (&json!("WARN"), &json!("upstream"), &json!("upstream_reset"))
    );
    assert!(line["cause"].as_str().is_some_and(|cause| cause.starts_with("upstream_reset: ")), "{line}");
}

#[tokio::test]
async fn r020_fr_021_h24_the_time_of_a_slow_upstream_is_its_own() {
    const SLOW: Duration = Duration::from_millis(500);
    let upstream = Sidecar::start(Mood::Slow(SLOW)).await;
    let logging = Logging::of(&upstream.url()).await;
    assert_eq!(logging.gateway.get("/-/up").await.status(), 200);
    let line = logging.line().await;
    assert!(milliseconds(&line, "upstream_latency_ms") >= 500.0, "{line}");
    assert!(milliseconds(&line, "first_byte_ms") >= 500.0, "{line}");
    assert!(milliseconds(&line, "proxy_latency_ms") < 100.0, "{line}");
}

#[tokio::test]
async fn r020_fr_021_h24_the_time_of_a_slow_client_is_neither_the_upstreams_nor_ours() {
    const PAUSE: Duration = Duration::from_secs(2);
    let upstream = Upstream::start(Echo).await;
    let logging = Logging::of(&upstream.url()).await;
    let mut client = logging.gateway.connect().await;
    // More than the buffers of both connections hold.
    client.send_request("GET", "/-/up?bytes=33554432", &[], b"").await.unwrap();
    client.read_head().await.unwrap();
    tokio::time::sleep(PAUSE).await;
    client.read_body().await.unwrap();
    let line = logging.line().await;
    let (total, paused) = (milliseconds(&line, "total_ms"), PAUSE.as_secs_f64() * 1000.0);
    assert!(total >= paused, "{line}");
    // What is neither waits for the client; the better part of the pause is surely that.
    assert!(milliseconds(&line, "upstream_latency_ms") <= total - paused * 0.8, "{line}");
    assert!(milliseconds(&line, "proxy_latency_ms") < 100.0, "{line}");
}

#[tokio::test]
async fn h28_nothing_secret_gets_into_a_line() {
    const CANARY: &str = "canary-7f3a";
    let upstream = Upstream::start(Echo).await;
    let logging = Logging::with(&upstream.url(), &["--log-mask-query", "mine,Other-One"], |builder| {
        let proxy = Proxy::new("/-/keyed", &upstream.url()).header(&format!("X-Key: {CANARY}"));
        let failing = Proxy::new("/-/failing", "http://127.0.0.1:1").header(&format!("X-Key: {CANARY}"));
        builder.proxies([proxy, failing])
    })
    .await;
    let query = format!(
        "token={CANARY}&x=1&API-Key={CANARY}&%74oken={CANARY}&mine={CANARY}&other_one={CANARY};a=2&b"
    );
    let headers = [
        format!("Authorization: Bearer {CANARY}"),
        format!("Cookie: a={CANARY}"),
        format!("Referer: http://x/?{query}"),
    ];
    let headers: Vec<_> = headers.iter().map(String::as_str).collect();
    for path in ["/-/up", "/-/keyed", "/-/failing", "/-/none"] {
        let mut client = logging.gateway.connect().await;
        client.request("POST", &format!("{path}?{query}"), &headers, CANARY.as_bytes()).await;
    }
    let administrator = Administrator::of(&logging.gateway).await;
    for line in logging.some(4).await.iter().filter(|line| line["proxy"] != "_control_plane") {
        let path = line["path"].as_str().unwrap();
        assert!(path.ends_with("?token=***&x=1&API-Key=***&%74oken=***&mine=***&other_one=***&b"), "{line}");
    }
    let shown = requests_logged(&administrator, "data.status%3E0", 4).await;
    for text in
        [fs::read_to_string(logging.path()).unwrap(), logging.gateway.log_text(), json!(shown).to_string()]
    {
        assert!(!text.contains(CANARY), "{text}");
    }
}

/// Lines of the request log, once there are so many.
async fn requests_logged(administrator: &Administrator<'_>, filter: &str, count: usize) -> Vec<Value> {
    let target = format!("/api/logs?sort=@rowid&filter={filter}%26%26data.proxy!=''");
    let logged = async {
        loop {
            let page = administrator.must("GET", &target, &json!({})).await;
            let items = page["items"].as_array().unwrap();
            if items.len() >= count {
                return items.clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within(PATIENCE, logged).await
}

#[tokio::test]
async fn the_request_log_shows_forwarded_requests() {
    let upstream = Upstream::start(Echo).await;
    let logging = Logging::of(&upstream.url()).await;
    let administrator = Administrator::of(&logging.gateway).await;
    assert_eq!(logging.gateway.get("/-/up/well?key=k").await.status(), 200);
    assert_eq!(logging.gateway.get("/-/up/bad?status=503").await.status(), 503);
    let lines = requests_logged(&administrator, "data.proxy='Up'", 2).await;
    let of = |line: &Value| {
        json!([line["message"], line["level"], line["data"]["status"], line["data"]["reason"]])
    };
    assert_eq!(of(&lines[0]), json!(["GET /-/up/well?key=***", 0, 200, "completed"]));
    assert_eq!(of(&lines[1]), json!(["GET /-/up/bad?status=503", 8, 503, "completed"]));
    let own = requests_logged(&administrator, "data.proxy='_control_plane'", 0).await;
    assert!(own.is_empty(), "the API logs its requests itself: {own:#?}");
}

#[tokio::test]
async fn without_further_ado_people_get_a_line_on_standard_error() {
    let upstream = Upstream::start(Echo).await;
    let builder = Gateway::builder().proxy(Proxy::new("/-/up", &upstream.url())).log_as_text();
    let gateway = builder.start().await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    let line =
        gateway.logged(|line| line.text.contains(" INFO GET /-/up 200 completed total_ms=")).await.text;
    assert!(line.contains(" proxy=/-/up ") && line.contains(" client_ip=127.0.0.1 "), "{line}");
    assert_eq!(gateway.get("/-/none").await.status(), 404);
    gateway.logged(|line| line.text.contains(" INFO GET /-/none 404 not_found ")).await;
    let told = gateway.log().iter().filter(|line| line.text.contains("/-/none")).count();
    assert_eq!(told, 1, "once, not twice: {}", gateway.log_text());
}

#[tokio::test]
async fn a_log_that_is_off_says_nothing_but_what_failed() {
    let upstream = Upstream::start(Echo).await;
    let builder = Gateway::builder().proxy(Proxy::new("/-/up", &upstream.url()));
    let gateway = builder.arguments(["--access-log", "off"]).start().await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    assert_eq!(gateway.get("/-/none").await.status(), 404);
    let failed = gateway.logged(|line| line.field("reason") == "not_found").await;
    assert_eq!(failed.field("message"), "request failed", "{}", failed.text);
    let is_of_success = |line: &LogLine| line.field("reason") == "completed";
    assert!(!gateway.log().iter().any(is_of_success), "{}", gateway.log_text());
}

#[tokio::test]
async fn of_successes_a_sample_is_written_and_of_failures_all() {
    let upstream = Upstream::start(Echo).await;
    let logging = Logging::with(&upstream.url(), &["--access-log-sample", "0.2"], |builder| builder).await;
    let mut client = logging.gateway.connect().await;
    for _ in 0..200 {
        client.get("/-/up").await;
        client.get("/-/up?status=500").await;
    }
    assert_eq!(client.get("/-/none").await.status(), 404);
    eventually(PATIENCE, || logging.lines().iter().any(|line| line["status"] == 404)).await;
    let lines = logging.lines();
    let count = |status: u16| lines.iter().filter(|line| line["status"] == status).count();
    assert_eq!(count(500), 200);
    // Five standard deviations to either side of 40.
    assert!((12..=68).contains(&count(200)), "{}", count(200));
}

#[tokio::test]
async fn a_file_is_put_aside_when_it_is_full() {
    let logging =
        Logging::with("http://127.0.0.1:1", &["--access-log-rotate", "20K:2"], |builder| builder).await;
    let mut client = logging.gateway.connect().await;
    for number in 0..400 {
        assert_eq!(client.get(&format!("/-/none/{number}")).await.status(), 404);
    }
    eventually(PATIENCE, || logging.lines().last().is_some_and(|line| line["path"] == "/-/none/399")).await;
    let names = ["access.log", "access.log.1", "access.log.2", "access.log.3"];
    let sizes =
        names.map(|name| fs::metadata(logging.directory.path().join(name)).map_or(0, |file| file.len()));
    assert!(sizes.iter().all(|size| *size <= 20 * 1024), "{sizes:?}");
    assert!(sizes[1] > 10_000 && sizes[2] > 10_000 && sizes[3] == 0, "{sizes:?}");
    let kept: Vec<_> =
        names.iter().rev().flat_map(|name| lines_of(&logging.directory.path().join(name))).collect();
    let last: Vec<_> = (400 - kept.len()..400).map(|number| json!(format!("/-/none/{number}"))).collect();
    let paths: Vec<_> = kept.into_iter().map(|line| line["path"].clone()).collect();
    assert_eq!(paths, last, "the last ones, in order, and none lost between two files");
}

#[tokio::test]
async fn sighup_opens_a_file_anew_that_was_renamed() {
    let logging = Logging::of("http://127.0.0.1:1").await;
    logging.gateway.get("/-/none/before").await;
    logging.line().await;
    let renamed = logging.directory.path().join("renamed");
    fs::rename(logging.path(), &renamed).unwrap();
    logging.gateway.signal(Signal::HangUp);
    logging.gateway.logged(|line| line.text.contains("SIGHUP")).await;
    logging.gateway.get("/-/none/after").await;
    assert_eq!(logging.line().await["path"], "/-/none/after");
    assert_eq!(lines_of(&renamed).len(), 1);
}

#[tokio::test]
async fn the_last_lines_are_written_before_the_end() {
    let mut logging = Logging::of("http://127.0.0.1:1").await;
    let mut client = logging.gateway.connect().await;
    for _ in 0..20 {
        client.get("/-/none").await;
    }
    logging.gateway.signal(Signal::Terminate);
    assert_eq!(logging.gateway.exit_code().await, Some(0));
    assert_eq!(logging.lines().len(), 20);
}

#[tokio::test]
async fn of_a_crowd_the_request_log_shows_some_and_the_metric_counts_the_rest() {
    const REQUESTS: u64 = 600;
    let upstream = Upstream::start(Echo).await;
    let logging = Logging::with(&upstream.url(), &["--metrics-public"], |builder| builder).await;
    let mut client = logging.gateway.connect().await;
    for _ in 0..REQUESTS {
        client.get("/-/up").await;
    }
    assert_eq!(client.get("/-/none").await.status(), 404);
    let administrator = Administrator::of(&logging.gateway).await;
    let failures = requests_logged(&administrator, "data.reason='not_found'", 1).await;
    assert_eq!(failures.len(), 1, "what failed finds room where what went well does not");
    let left_out = async || sample(&logging.gateway, "gateway_request_log_left_out_total").await;
    let total = async || {
        let target = "/api/logs?perPage=1&filter=data.proxy='Up'";
        administrator.must("GET", target, &json!({})).await["totalItems"].as_u64().unwrap()
    };
    within(PATIENCE, async { while total().await + left_out().await < REQUESTS {} }).await;
    assert_eq!(total().await + left_out().await, REQUESTS);
    assert!(left_out().await > 0, "{REQUESTS} requests in {} rows", total().await);
}

/// How many lines the gateway says were dropped.
async fn dropped(gateway: &Gateway) -> u64 {
    sample(gateway, "gateway_log_lines_dropped_total{log=\"access\"}").await
}

/// A number of the metrics.
async fn sample(gateway: &Gateway, series: &str) -> u64 {
    let metrics = gateway.get("/api/gateway/metrics").await.text();
    let value = metrics.lines().find_map(|line| line.strip_prefix(series));
    value.unwrap_or_else(|| panic!("no {series} in {metrics}")).trim().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_stops_no_request_and_every_lost_line_is_counted() {
    let arguments = ["--access-log", "/dev/full", "--metrics-public"];
    let gateway = Gateway::builder().arguments(arguments).start().await;
    let mut client = gateway.connect().await;
    for _ in 0..100 {
        assert_eq!(client.get("/-/none").await.status(), 404);
    }
    let told = gateway.logged(|line| line.text.contains("lines of the access log were dropped")).await;
    assert!(told.text.contains("No space left"), "{}", told.text);
    within(PATIENCE, async { while dropped(&gateway).await < 100 {} }).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_nobody_reads_stops_no_request_and_every_lost_line_is_counted() {
    const REQUESTS: usize = 4_000;
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let arguments = ["--access-log", pipe.to_str().unwrap(), "--metrics-public"];
    let gateway = Gateway::builder().arguments(arguments).start().await;
    let mut client = gateway.connect().await;
    // More than the pipe holds and than may wait for it.
    let long = format!("/-/none/{}", "x".repeat(2000));
    within(PATIENCE, async {
        for _ in 0..REQUESTS {
            assert_eq!(client.get(&long).await.status(), 404);
        }
    })
    .await;
    gateway.logged(|line| line.text.contains("lines of the access log were dropped")).await;
    let lost = usize::try_from(dropped(&gateway).await).unwrap();
    assert!(lost > 0);
    let reader = tokio::task::spawn_blocking(move || read_lines(&pipe, REQUESTS - lost));
    within(PATIENCE, reader).await.unwrap();
    assert_eq!(dropped(&gateway).await, lost as u64, "what is read again is lost no more");
}

/// Reads so many lines about `/-/none`.
#[cfg(unix)]
fn read_lines(pipe: &Path, count: usize) {
    use std::io::{BufRead, BufReader};
    let lines = BufReader::new(fs::File::open(pipe).unwrap()).lines().map(Result::unwrap);
    let whole = lines.filter(|line| serde_json::from_str::<Value>(line).unwrap()["proxy"] == "_unmatched");
    assert_eq!(whole.take(count).count(), count);
}
