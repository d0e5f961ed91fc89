//! A line of the access log allocates nothing; what is allocated are the buffers that are handed over.

#![expect(clippy::unwrap_used, reason = "a test: a surprise is a failure")]

use gate_telemetry::access_log::{AccessEntry, AccessLogConfig, Sink};
use gate_telemetry::log::Format;
use gate_telemetry::{Reason, RequestId};
use std::time::{Duration, SystemTime};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn entry() -> AccessEntry<'static> {
    AccessEntry {
        time: SystemTime::now(),
        request_id: RequestId::new(0xdead_beef),
        trace: None,
        proxy: "AI",
        proxy_id: "abcdefghijklmno",
        method: b"POST",
        target: b"/-/ai/chat/completions?key=***&q=\"caf\xc3\xa9\"",
        status: 502,
        reason: Reason::UpstreamTruncated,
        identity: Some(("usr000000000001", "users")),
        client: "2001:db8::7".parse().unwrap(),
        upstream: Some("[2001:db8::8]:8001".parse().unwrap()),
        reused: true,
        attempts: 2,
        queue: Duration::from_micros(12),
        connect: Duration::from_micros(345),
        first_byte: Some(Duration::from_micros(12_345)),
        upstream_latency: Some(Duration::from_micros(1_002_003)),
        own: Duration::from_micros(87),
        total: Duration::from_micros(1_002_090),
        received: 321,
        sent: 65_536,
        events: 7,
        breaker: "closed",
        concurrent: 3,
        would_refuse: None,
        cause: Some(&"upstream_truncated: the connection ended after \"65536\" bytes"),
    }
}

#[test]
fn a_line_allocates_nothing() {
    const LINES: u64 = 10_000;
    let _profiler = dhat::Profiler::builder().testing().build();
    for format in [Format::Json, Format::Text] {
        let sink = Sink::File { path: "/dev/null".into(), rotate_bytes: 0, keep: 0 };
        let config =
            AccessLogConfig { sink, format, sample_successes: 1.0, sensitive_parameters: Vec::new() };
        let logs = config.start().unwrap();
        let worker = logs.worker();
        worker.write(&entry());
        let entry = entry();
        let before = dhat::HeapStats::get().total_blocks;
        for _ in 0..LINES {
            worker.write(&entry);
        }
        let allocations = dhat::HeapStats::get().total_blocks - before;
        // Some thirty lines fill a buffer; besides it, the way to the other thread takes a little now and then.
        assert!(allocations < LINES / 10, "{allocations} allocations for {LINES} lines as {format:?}");
    }
}
