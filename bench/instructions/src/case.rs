//! The calls whose instructions are counted.

use std::hint::black_box;
use std::time::Duration;

use gate_http::{ChunkedDecoder, HeadWriter, Method, RequestHead, ResponseHead};
use gate_request::{RuleContext, withheld};
use gate_snapshot::HeaderValue;
use gate_telemetry::Reason;
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
    for _ in 0..repetitions {
        for line in scene.head.fields() {
            black_box(withheld(&scene.proxy, &scene.head, black_box(REQUEST), line, true));
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
        shard.upstream_latency.observe(time);
        shard.first_byte.observe(time);
        shard.overhead.observe(time);
        shard.duration.observe(time);
        shard.sent_bytes.add(1024);
        shard.received_bytes.add(512);
        shard.count_ended(200, black_box(Reason::Completed));
        shard.active.down();
    }
}

/// A target on its way into a log.
fn mask(_: &mut Scene, repetitions: usize) {
    let log = gate_telemetry::access_log::AccessLogs::off();
    let mut out = Vec::new();
    for _ in 0..repetitions {
        out.clear();
        log.mask_target(black_box(b"/-/ai/v1/things?page=2&access_token=secret&sort=-created"), &mut out);
        black_box(&out);
    }
}
