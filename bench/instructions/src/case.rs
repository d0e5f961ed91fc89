//! The calls whose instructions are counted.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime};

use gate_http::{ChunkedDecoder, HeadWriter, Method, RequestHead, ResponseHead};
use gate_request::{RuleContext, Sender, withheld};
use gate_snapshot::HeaderValue;
use gate_telemetry::access_log::{AccessEntry, AccessLogConfig, AccessLogs, Sink};
use gate_telemetry::log::Format;
use gate_telemetry::metrics::Latency;
use gate_telemetry::{Reason, RequestId};
use gate_traffic::{Admission, CallerKey};

use crate::scene::{REQUEST, RESPONSE, Scene};

/// Makes a call as often as asked.
pub(crate) type Case = fn(&mut Scene, usize);

/// By name.
pub(crate) const CASES: &[(&str, Case)] = &[
    ("parse-request", parse_request),
    ("parse-response", parse_response),
    ("parse-chunks", parse_chunks),
    ("route", route),
    ("rule", rule),
    ("template", template),
    ("headers", headers),
    ("serialise", serialise),
    ("limits", limits),
    ("metrics", metrics),
    ("mask", mask),
    ("log-line", log_line),
];

fn parse_request(_: &mut Scene, repetitions: usize) {
    let mut head = RequestHead::new();
    for _ in 0..repetitions {
        head.clear();
        let _ = black_box(head.parse(black_box(REQUEST)));
    }
}

fn parse_response(_: &mut Scene, repetitions: usize) {
    let mut head = ResponseHead::new();
    for _ in 0..repetitions {
        head.clear();
        let _ = black_box(head.parse(black_box(RESPONSE), Method::Post));
    }
}

/// Ten events, each a chunk.
fn parse_chunks(_: &mut Scene, repetitions: usize) {
    let event = [b"80\r\n".as_slice(), &[b'x'; 0x80], b"\r\n"].concat();
    let bytes = [event.repeat(10).as_slice(), gate_http::LAST_CHUNK].concat();
    for _ in 0..repetitions {
        let mut decoder = ChunkedDecoder::new();
        let _ = black_box(decoder.scan(black_box(&bytes)));
    }
}

/// Among a thousand proxies.
fn route(scene: &mut Scene, repetitions: usize) {
    let mut scratch = Vec::new();
    for _ in 0..repetitions {
        let _ = black_box(gate_request::route(&scene.routes, black_box(&scene.head), REQUEST, &mut scratch));
    }
}

fn rule(scene: &mut Scene, repetitions: usize) {
    let identity = Some(&scene.caller);
    let context = RuleContext { head: &scene.head, bytes: REQUEST, proxy: &scene.proxy, identity };
    for _ in 0..repetitions {
        black_box(scene.proxy.access_rule.allows(false, black_box(&context)));
    }
}

/// The two headers that are set on every request, one of them made of the caller.
fn template(scene: &mut Scene, repetitions: usize) {
    for _ in 0..repetitions {
        let mut head = HeadWriter::new(&mut scene.buffer);
        write_injected(&mut head, &scene.proxy, black_box(&scene.caller));
        let _ = black_box(head.finish());
    }
}

fn write_injected(head: &mut HeadWriter<'_>, proxy: &gate_snapshot::Proxy, caller: &gate_snapshot::Identity) {
    for header in &proxy.headers {
        match &header.value {
            HeaderValue::Resolved(value) => head.field(header.name.as_bytes(), value),
            HeaderValue::Template(parts) => {
                let fits = gate_request::fits(&header.value, Some(caller));
                let [first, second] = parts.as_ref() else { continue };
                let parts = [first.bytes(Some(caller)), second.bytes(Some(caller))];
                head.field_parts(header.name.as_bytes(), if black_box(fits) { &parts } else { &[] });
            }
            HeaderValue::Unresolved { .. } => {}
        }
    }
}

/// Which of the client's fields go on.
fn headers(scene: &mut Scene, repetitions: usize) {
    let sender = Sender { has_our_token: true, is_trusted: false };
    for _ in 0..repetitions {
        for line in scene.head.fields() {
            black_box(withheld(&scene.proxy, &scene.head, black_box(REQUEST), line, sender));
        }
    }
}

/// A response head on its way to the client.
fn serialise(scene: &mut Scene, repetitions: usize) {
    for _ in 0..repetitions {
        let mut head = HeadWriter::new(&mut scene.buffer);
        head.status_line(scene.response_head.status(), scene.response_head.reason().of(RESPONSE));
        for line in scene.response_head.fields() {
            head.field(line.name.of(RESPONSE), line.value.of(RESPONSE));
        }
        head.content_length(black_box(512));
        head.end();
        let _ = black_box(head.finish());
    }
}

/// A slot and a breaker's permit, taken and given back.
fn limits(scene: &mut Scene, repetitions: usize) {
    let traffic = &scene.proxy.traffic;
    for _ in 0..repetitions {
        if let Admission::Admitted(slot) = traffic.limiter.admit(|| CallerKey::Everyone, scene.now) {
            if let Ok(permit) = traffic.breaker.admit(scene.now) {
                permit.succeeded(scene.now);
            }
            slot.release(black_box(scene.now + Duration::from_millis(1)));
        }
    }
}

/// What is counted about a request.
fn metrics(scene: &mut Scene, repetitions: usize) {
    let shard = scene.proxy.metrics.shard(0);
    for number in 0..repetitions {
        let time = Duration::from_micros(black_box(number as u64));
        shard.active.up();
        shard.latencies.observe(Latency::Upstream, time);
        shard.latencies.observe(Latency::FirstByte, time);
        shard.overhead.observe(time);
        shard.latencies.observe(Latency::Duration, time);
        shard.sent_bytes.add(1024);
        shard.received_bytes.add(512);
        shard.count_ended(200, black_box(Reason::Completed));
        shard.active.down();
    }
}

/// A target on its way into a log.
fn mask(_: &mut Scene, repetitions: usize) {
    let log = AccessLogs::off();
    let mut out = Vec::new();
    for _ in 0..repetitions {
        out.clear();
        log.mask_target(black_box(b"/-/ai/v1/things?page=2&access_token=secret&sort=-created"), &mut out);
        black_box(&out);
    }
}

/// A line of JSON, up to the file it goes to; what the thread does that writes it is in the figure.
fn log_line(scene: &mut Scene, repetitions: usize) {
    let config = AccessLogConfig {
        sink: Sink::File { path: "/dev/null".into(), rotate_bytes: 0, keep: 0 },
        format: Format::Json,
        sample_successes: 1.0,
        sensitive_parameters: Vec::new(),
    };
    let Ok(logs) = config.start() else { return };
    let log = logs.worker();
    for _ in 0..repetitions {
        log.write(black_box(&entry(&scene.proxy.name)));
    }
    log.flush();
    logs.finish();
}

fn entry(proxy: &str) -> AccessEntry<'_> {
    let client = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 17));
    AccessEntry {
        time: SystemTime::UNIX_EPOCH,
        request_id: RequestId::new(0x0123_4567_89ab_cdef),
        trace: None,
        proxy,
        proxy_id: "abcdefghij01234",
        method: b"POST",
        target: b"/-/proxy500/v1/chat/completions?stream=true",
        status: 200,
        reason: Reason::Completed,
        identity: Some(("abcdefghij01234", "users")),
        client,
        upstream: Some((client, 8001).into()),
        reused: true,
        attempts: 1,
        queue: Duration::ZERO,
        connect: Duration::ZERO,
        first_byte: Some(Duration::from_micros(20_480)),
        upstream_latency: Some(Duration::from_micros(250_123)),
        own: Duration::from_micros(41),
        total: Duration::from_micros(250_164),
        received: 512,
        sent: 10_240,
        events: 25,
        breaker: "closed",
        concurrent: 3,
        would_refuse: None,
        cause: None,
    }
}
