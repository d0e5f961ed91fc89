//! What a request adds to the metrics: one to a gauge while it runs, and the rest when it has ended.

use crate::record::{Moved, Record, Times};
use crate::worker::Worker;
use gate_telemetry::metrics::{LastFailure, Latency, ProxyShard};
use gate_telemetry::{Reason, Side};
use std::time::{Duration, SystemTime};

/// A request that has ended: `outcome` are its times, what it moved, and how it ended.
pub(crate) fn count(worker: &Worker, record: &Record, (times, moved, reason): (&Times, Moved, Reason)) {
    let proxy = record.proxy.borrow();
    let Some(proxy) = &*proxy else {
        return count_in(&worker.metrics.unmatched, record, (times, moved, reason));
    };
    let shard = proxy.metrics.shard(worker.number);
    shard.active.down();
    if is_failure(record.status.get(), reason) {
        let request_id = record.id.get().as_str().into();
        let (at, status) = (SystemTime::now(), record.status.get());
        proxy.metrics.last_failures.add(LastFailure { at, reason, status, request_id });
    }
    if record.is_event_stream.get() {
        shard.streams.down();
    }
    count_in(shard, record, (times, moved, reason));
}

/// Whether something is wrong with the upstream, or with the configuration.
fn is_failure(status: u16, reason: Reason) -> bool {
    match reason {
        Reason::Completed => status >= 500,
        Reason::Internal | Reason::LoopDetected | Reason::TemplateUnresolved | Reason::UpstreamForbidden => {
            true
        }
        _ => reason.side() == Side::Upstream,
    }
}

fn count_in(shard: &ProxyShard, record: &Record, (times, moved, reason): (&Times, Moved, Reason)) {
    shard.count_ended(record.status.get(), reason);
    shard.latencies.observe(Latency::Duration, times.total);
    shard.overhead.observe(times.own);
    shard.received_bytes.add(moved.received);
    shard.sent_bytes.add(moved.sent);
    // Hardly any request waits for these: what did not take place is no sample.
    for (histogram, time) in [(&shard.queue, record.queue.get()), (&shard.connect, record.connect.get())] {
        if time > Duration::ZERO {
            histogram.observe(time);
        }
    }
    let parts = [
        (Latency::Upstream, times.upstream),
        (Latency::FirstByte, times.first_byte),
        (Latency::Body, times.body),
    ];
    for (part, time) in parts {
        if let Some(time) = time {
            shard.latencies.observe(part, time);
        }
    }
    if let Some(time) = times.first_event {
        shard.first_event.observe(time);
    }
    if record.begun.get().is_some() {
        let kind = if record.is_reused.get() { &shard.connections_reused } else { &shard.connections_new };
        kind.add(1);
    }
    shard.events.add(record.events.get());
    shard.retries.add(u64::from(record.attempts.get().saturating_sub(1)));
}
