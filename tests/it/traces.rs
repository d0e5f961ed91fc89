//! Traces: what upstreams and a collector are told of requests (W3C Trace Context, OTLP, OpenTelemetry's conventions for HTTP).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gate_testkit::{
    Answer, ByHand, Collector, CollectorMood, Echo, Fields, Gateway, GatewayBuilder, PATIENCE, Proxy,
    RawClient, Response, Signal, StallAfterHead, Upstream, eventually,
};
use serde_json::{Value, json};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A gateway with one public proxy, `/-/up`, that tells this collector of requests.
fn telling(collector: &str, upstream: &str) -> GatewayBuilder {
    let proxy = Proxy::new("/-/up", upstream).name("Up");
    Gateway::builder().proxy(proxy).arguments(["--otlp", collector])
}

async fn telling_of_echo() -> (Gateway, Upstream, Collector) {
    let (collector, upstream) = (Collector::start().await, Upstream::start(Echo).await);
    let gateway = telling(&collector.url(), &upstream.url()).start().await;
    (gateway, upstream, collector)
}

fn traceparent(flags: &str) -> String {
    format!("traceparent: 00-{TRACE}-{PARENT}-{flags}")
}

/// Trace, span and flags of the one `traceparent` among these fields.
fn context(headers: &Fields) -> (String, String, String) {
    let values = headers.values("traceparent");
    let [value] = values[..] else { panic!("one traceparent, not {values:?}") };
    let parts: Vec<_> = value.split('-').collect();
    let [version, trace, span, flags] = parts[..] else { panic!("{value}") };
    assert_eq!((version, trace.len(), span.len()), ("00", 32, 16), "{value}");
    (trace.to_owned(), span.to_owned(), flags.to_owned())
}

/// What is said about a span under this key.
fn said(span: &Value, key: &str) -> Value {
    let attributes = span["attributes"].as_array().expect("a span has attributes");
    let found = attributes.iter().find(|attribute| attribute["key"] == key);
    let value = found.and_then(|attribute| attribute["value"].as_object()?.values().next());
    value.cloned().unwrap_or_default()
}

/// When a span began and ended.
fn times(span: &Value) -> (SystemTime, SystemTime) {
    let time = |key: &str| {
        let nanoseconds =
            span[key].as_str().and_then(|text| text.parse().ok()).expect("nanoseconds in a string");
        UNIX_EPOCH + Duration::from_nanos(nanoseconds)
    };
    (time("startTimeUnixNano"), time("endTimeUnixNano"))
}

fn duration(span: &Value) -> Duration {
    let (begin, end) = times(span);
    end.duration_since(begin).expect("a span ends after it has begun")
}

/// The span of the server for this answer, and those within it.
async fn spans_of(collector: &Collector, response: &Response) -> (Value, Vec<Value>) {
    let id = response.header("x-request-id").expect("every answer has an id");
    let span = collector.span(|span| said(span, "pocketgate.request_id") == id).await;
    let inner = within_span(collector, &span);
    (span, inner)
}

/// The spans of its phases; they come together with it.
fn within_span(collector: &Collector, span: &Value) -> Vec<Value> {
    collector.spans().into_iter().filter(|inner| inner["parentSpanId"] == span["spanId"]).collect()
}

async fn get(client: &mut RawClient, lines: &[&str]) -> Response {
    client.request("GET", "/-/up/x", lines, b"").await
}

#[tokio::test]
async fn a_trace_is_taken_over_and_passed_on() {
    let (gateway, upstream, collector) = telling_of_echo().await;
    let lines = [&traceparent("01"), "tracestate: a=1,b=2", "tracestate: c=3"];
    let response = get(&mut gateway.connect().await, &lines).await;
    let headers = upstream.ledger.only_request().head.headers;
    let (trace, span, flags) = context(&headers);
    assert_eq!((trace.as_str(), flags.as_str()), (TRACE, "01"));
    assert_ne!(span, PARENT, "the upstream's parent is the gateway");
    assert_eq!(headers.values("tracestate"), ["a=1,b=2", "c=3"]);
    let (told, _) = spans_of(&collector, &response).await;
    assert_eq!(
        (&told["traceId"], &told["spanId"], &told["parentSpanId"]),
        (&json!(TRACE), &json!(span), &json!(PARENT))
    );
}

#[tokio::test]
async fn a_trace_that_is_not_recorded_is_passed_on_as_such() {
    let (gateway, upstream, collector) = telling_of_echo().await;
    let mut client = gateway.connect().await;
    let silent = get(&mut client, &[&traceparent("00")]).await;
    let (trace, span, flags) = context(&upstream.ledger.only_request().head.headers);
    assert_eq!((trace.as_str(), flags.as_str()), (TRACE, "00"));
    assert_ne!(span, PARENT);
    let told = get(&mut client, &[&traceparent("01")]).await;
    spans_of(&collector, &told).await;
    let ids: Vec<_> = collector.spans().iter().map(|span| said(span, "pocketgate.request_id")).collect();
    assert!(!ids.contains(&json!(silent.header("x-request-id"))), "{ids:?}");
}

#[tokio::test]
async fn a_context_that_cannot_be_read_begins_a_new_trace() {
    let (gateway, upstream, _collector) = telling_of_echo().await;
    let twice = format!("{}\r\n{}", traceparent("01"), traceparent("01"));
    for wrong in ["traceparent: 00-0-0-01", &traceparent("1"), &twice, "X-Other: 1"] {
        let response = get(&mut gateway.connect().await, &[wrong, "tracestate: a=1"]).await;
        assert_eq!(response.status(), 200, "{wrong}");
        let headers = upstream.ledger.last_request().head.headers;
        let (trace, _, flags) = context(&headers);
        assert_ne!(trace, TRACE, "{wrong}");
        assert_eq!((flags.as_str(), headers.has("tracestate")), ("03", false), "{wrong}");
    }
}

#[tokio::test]
async fn without_traces_everything_passes_as_it_is() {
    let upstream = Upstream::start(Echo).await;
    let named = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    for (arguments, variables) in [(vec![], vec![]), (vec!["--trace", "off"], vec![named])] {
        let builder = Gateway::builder().proxy(Proxy::new("/-/up", &upstream.url())).arguments(arguments);
        let gateway =
            variables.into_iter().fold(builder, |builder, (name, value)| builder.environment(name, value));
        let gateway = gateway.start().await;
        let mut client = gateway.connect().await;
        get(&mut client, &["traceparent: what-ever", "tracestate: a=1"]).await;
        let headers = upstream.ledger.last_request().head.headers;
        assert_eq!(
            (headers.value("traceparent"), headers.value("tracestate")),
            (Some("what-ever"), Some("a=1"))
        );
        get(&mut client, &[]).await;
        assert!(!upstream.ledger.last_request().head.headers.has("traceparent"));
    }
}

#[tokio::test]
async fn a_share_of_what_comes_without_a_trace_is_recorded() {
    let (collector, upstream) = (Collector::start().await, Upstream::start(Echo).await);
    let gateway =
        telling(&collector.url(), &upstream.url()).arguments(["--trace-sample", "0.5"]).start().await;
    let mut client = gateway.connect().await;
    let mut recorded = 0;
    for _ in 0..200 {
        get(&mut client, &[]).await;
        let (_, _, flags) = context(&upstream.ledger.last_request().head.headers);
        recorded += usize::from(flags == "03");
    }
    assert!((50..=150).contains(&recorded), "{recorded} of 200");
    let of_the_server = || collector.spans().iter().filter(|span| span["kind"] == 2).count();
    eventually(PATIENCE, || of_the_server() == recorded).await;
}

#[tokio::test]
async fn a_request_is_told_with_the_names_of_the_conventions() {
    let (gateway, _upstream, collector) = telling_of_echo().await;
    let target = "/-/up/chat?key=canary&page=1";
    let response = gateway.connect().await.request("POST", target, &[&traceparent("01")], b"hello").await;
    let (span, inner) = spans_of(&collector, &response).await;
    assert_eq!(
        (&span["name"], &span["kind"], &span["status"]),
        (&json!("POST /-/up"), &json!(2), &Value::Null)
    );
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.response.status_code", "200"),
        ("http.route", "/-/up"),
        ("url.path", "/-/up/chat"),
        ("url.scheme", "http"),
        ("client.address", "127.0.0.1"),
        ("pocketgate.proxy.name", "Up"),
        ("pocketgate.attempts", "1"),
    ] {
        assert_eq!(said(&span, key), value, "{key}");
    }
    assert_eq!(said(&span, "error.type"), Value::Null);
    let names: Vec<_> = inner.iter().filter_map(|span| span["name"].as_str()).collect();
    assert!(names.starts_with(&["connect", "first_byte"]), "{names:?}");
    let resource = &collector.exports()[0]["resourceSpans"][0]["resource"];
    assert_eq!(said(resource, "service.name"), "pocketgate");
    assert_eq!(said(resource, "service.instance.id").as_str().map(str::len), Some(36));
    assert!(!format!("{:?}", collector.exports()).contains("canary"));
}

#[tokio::test]
async fn phases_lie_within_their_request_one_after_the_other() {
    let collector = Collector::start().await;
    let mut upstream = ByHand::start().await;
    let gateway = telling(&collector.url(), &upstream.url()).start().await;
    let before = SystemTime::now();
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    tokio::time::sleep(PAUSE).await;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await.unwrap();
    client.read_head().await.unwrap();
    tokio::time::sleep(PAUSE).await;
    peer.send("hello").await.unwrap();
    assert_eq!(client.read_body().await.unwrap().0, b"hello");
    let span = collector.span(|span| span["kind"] == 2).await;
    let after = SystemTime::now();
    let (begin, end) = times(&span);
    assert!(before - CLOCKS < begin && end < after + CLOCKS, "{span}");
    let inner = within_span(&collector, &span);
    let mut last = begin;
    for span in &inner {
        let (begin, end) = times(span);
        assert!(last <= begin && begin < end, "{inner:#?}");
        last = end;
    }
    assert!(last <= end, "{inner:#?}");
    let named = |name: &str| inner.iter().find(|span| span["name"] == name).map(duration).unwrap_or_default();
    assert!(named("first_byte") >= PAUSE, "{inner:#?}");
    assert!(named("body") + CLOCKS >= PAUSE, "{inner:#?}");
}

#[tokio::test]
async fn whoever_waits_for_a_place_has_a_queue() {
    let (collector, upstream) = (Collector::start().await, Upstream::start(StallAfterHead).await);
    let proxy = Proxy::new("/-/up", &upstream.url()).max_concurrent(1);
    let proxy = proxy.queue_config(r#"{"max_waiting":1,"timeout":30}"#);
    let gateway = Gateway::builder().proxy(proxy).arguments(["--otlp", &collector.url()]).start().await;
    let mut first = gateway.connect().await;
    first.send_request("GET", "/-/up", &[], b"").await.unwrap();
    first.read_head().await.unwrap();
    let mut second = gateway.connect().await;
    second.send_request("GET", "/-/up", &[], b"").await.unwrap();
    assert!(second.is_silent_for(PAUSE).await);
    drop(first);
    second.read_head().await.unwrap();
    drop(second);
    let queue = collector.span(|span| span["name"] == "queue").await;
    assert!(duration(&queue) + CLOCKS >= PAUSE, "{queue}");
}

#[tokio::test]
async fn a_failure_is_told_with_its_reason() {
    let collector = Collector::start().await;
    let closed = Upstream::start(Echo).await.url();
    let gateway = telling(&collector.url(), &closed).start().await;
    let refused = gateway.get("/-/up").await;
    let (span, inner) = spans_of(&collector, &refused).await;
    assert_eq!(said(&span, "error.type"), "upstream_connect");
    assert_eq!(
        (said(&span, "http.response.status_code"), &span["status"]["code"]),
        (json!("502"), &json!(2))
    );
    assert_eq!(inner.iter().map(|span| &span["name"]).collect::<Vec<_>>(), ["connect"]);
    let unmatched = gateway.get("/-/none").await;
    let (span, inner) = spans_of(&collector, &unmatched).await;
    assert_eq!(
        (&span["name"], said(&span, "error.type"), &span["status"]),
        (&json!("GET"), json!("not_found"), &Value::Null)
    );
    assert!(inner.is_empty());
}

#[tokio::test]
async fn an_upstream_that_fails_in_its_own_words_is_an_error() {
    let collector = Collector::start().await;
    let upstream =
        Upstream::start(Answer::then_keep_open("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n")).await;
    let gateway = telling(&collector.url(), &upstream.url()).start().await;
    let (span, _) = spans_of(&collector, &gateway.get("/-/up").await).await;
    assert_eq!((said(&span, "error.type"), &span["status"]["code"]), (json!("503"), &json!(2)));
}

#[tokio::test]
async fn a_collector_that_is_away_slow_or_busy_costs_no_request() {
    let collector = Collector::start().await;
    let busy = CollectorMood::Busy { status: 503, retry_after: Some(60) };
    let away = Upstream::start(Echo).await.url();
    for (mood, url) in
        [(busy, collector.url()), (CollectorMood::Silent, collector.url()), (CollectorMood::Takes, away)]
    {
        collector.is(mood);
        let upstream = Upstream::start(Echo).await;
        let mut gateway = telling(&url, &upstream.url()).start().await;
        let mut client = gateway.connect().await;
        let began = Instant::now();
        for _ in 0..300 {
            assert_eq!(get(&mut client, &[]).await.status(), 200, "{mood:?}");
        }
        assert!(began.elapsed() < PATIENCE, "{mood:?}");
        drop(client);
        let stopped = Instant::now();
        gateway.signal(Signal::Terminate);
        assert_eq!(gateway.exit_code().await, Some(0), "{mood:?}");
        assert!(stopped.elapsed() < Duration::from_secs(10), "{mood:?}");
    }
}

#[tokio::test]
async fn a_busy_collector_gets_everything_later() {
    let (collector, upstream) = (Collector::start().await, Upstream::start(Echo).await);
    let gateway = telling(&collector.url(), &upstream.url()).arguments(["--metrics-public"]).start().await;
    collector.is(CollectorMood::Busy { status: 429, retry_after: Some(1) });
    let first = gateway.get("/-/up").await;
    eventually(PATIENCE, || collector.upstream.ledger.request_count() == 1).await;
    gateway.logged(|line| line.text.contains("takes no traces at the moment")).await;
    let second = gateway.get("/-/up").await;
    collector.is(CollectorMood::Takes);
    spans_of(&collector, &first).await;
    spans_of(&collector, &second).await;
    gateway.logged(|line| line.text.contains("takes traces again")).await;
    let metrics = gateway.get("/api/gateway/metrics").await.text();
    assert!(metrics.contains("gateway_traced_requests_total{outcome=\"dropped\"} 0\n"), "{metrics}");
    assert!(!metrics.contains("gateway_traced_requests_total{outcome=\"exported\"} 0\n"), "{metrics}");
}

#[tokio::test]
async fn what_was_recorded_last_is_told_before_the_end() {
    let (mut gateway, _upstream, collector) = telling_of_echo().await;
    let response = gateway.get("/-/up").await;
    gateway.signal(Signal::Terminate);
    assert_eq!(gateway.exit_code().await, Some(0));
    let id = json!(response.header("x-request-id"));
    assert!(collector.spans().iter().any(|span| said(span, "pocketgate.request_id") == id));
}

#[tokio::test]
async fn the_environment_can_name_the_collector_and_what_lets_us_in() {
    let (collector, upstream) = (Collector::start().await, Upstream::start(Echo).await);
    let gateway = Gateway::builder()
        .proxy(Proxy::new("/-/up", &upstream.url()))
        .environment("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{}/tenant", collector.url()))
        .environment("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20canary")
        .environment("OTEL_SERVICE_NAME", "edge")
        .start()
        .await;
    spans_of(&collector, &gateway.get("/-/up").await).await;
    let head = collector.upstream.ledger.only_request().head;
    assert_eq!(
        (head.target.as_str(), head.headers.value("authorization")),
        ("/tenant/v1/traces", Some("Bearer canary"))
    );
    assert_eq!(said(&collector.exports()[0]["resourceSpans"][0]["resource"], "service.name"), "edge");
    assert!(
        !gateway.log_text().contains("canary") && !format!("{:?}", collector.exports()).contains("canary")
    );
}

#[tokio::test]
async fn a_proxy_may_set_the_field_itself() {
    let (collector, upstream) = (Collector::start().await, Upstream::start(Echo).await);
    let proxy = Proxy::new("/-/up", &upstream.url()).header("traceparent: fixed");
    let gateway = Gateway::builder().proxy(proxy).arguments(["--otlp", &collector.url()]).start().await;
    gateway.get("/-/up").await;
    assert_eq!(upstream.ledger.only_request().head.headers.values("traceparent"), ["fixed"]);
}

/// Long enough to be told from what takes no time.
const PAUSE: Duration = Duration::from_millis(150);
/// What a request took is measured by another clock than when it ended.
const CLOCKS: Duration = Duration::from_millis(50);
