//! What the access log says about a request that has ended.

use crate::fault::Fault;
use crate::record::{Moved, Record, Times};
use crate::worker::Worker;
use gate_snapshot::Proxy;
use gate_telemetry::Reason;
use gate_telemetry::access_log::AccessEntry;
use gate_telemetry::exposition::families::UNMATCHED;
use gate_traffic::Phase;
use std::fmt::Display;
use std::time::SystemTime;

/// Writes the line of a request that has ended.
pub(crate) fn write(
    worker: &Worker,
    record: &Record,
    (times, moved): (&Times, Moved),
    outcome: Result<(), &Fault>,
) {
    let (line, proxy, caller) = (record.line.borrow(), record.proxy.borrow(), record.caller.borrow());
    let space = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let (method, target) = line.split_at(space);
    let fault = outcome.err();
    worker.access_log.write(&AccessEntry {
        time: SystemTime::now(),
        request_id: record.id.get(),
        trace: record.placement.get().map(|placement| placement.context.trace),
        proxy: proxy.as_ref().map_or(UNMATCHED, |proxy| &*proxy.name),
        proxy_id: proxy.as_ref().filter(|proxy| proxy.is_configured()).map_or("", |proxy| &*proxy.id),
        method,
        target: target.get(1..).unwrap_or_default(),
        status: match record.status.get() {
            0 => NONE_SENT,
            status => status,
        },
        reason: fault.map_or(Reason::Completed, |fault| fault.reason),
        identity: caller.identity().map(|identity| (identity.text("id"), identity.text("collectionName"))),
        client: record.client.get(),
        upstream: record.upstream.get(),
        reused: record.is_reused.get(),
        attempts: record.attempts.get(),
        queue: record.queue.get(),
        connect: record.connect.get(),
        first_byte: times.first_byte,
        upstream_latency: times.upstream,
        own: times.own,
        total: times.total,
        received: moved.received,
        sent: moved.sent,
        events: record.events.get(),
        breaker: proxy.as_deref().map_or("off", |proxy| breaker(proxy, worker)),
        concurrent: record.concurrent.get(),
        would_refuse: record.would_refuse.get(),
        cause: fault.filter(|fault| fault.cause.is_some()).map(|fault| fault as &dyn Display),
    });
}

fn breaker(proxy: &Proxy, worker: &Worker) -> &'static str {
    match proxy.traffic.breaker.phase(worker.deadlines.instant()) {
        None => "off",
        Some(Phase::Closed) => "closed",
        Some(Phase::Open) => "open",
        Some(Phase::HalfOpen) => "half_open",
    }
}

/// What stands in the place of a status when the client got none; it is sent to nobody.
const NONE_SENT: u16 = 499;
