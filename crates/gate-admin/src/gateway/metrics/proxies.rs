//! What is counted about proxies.

use super::labels::Counted;
use gate_snapshot::Proxy;
use gate_telemetry::Reason;
use gate_telemetry::exposition::{Exposition, Family, families as f};
use gate_telemetry::metrics::{HistogramTotal, LATENCY_BOUNDS, ProxyTotal};
use gate_traffic::Phase;
use std::time::Instant;

/// The requests of each.
pub(super) fn requests(exposition: &mut Exposition, counted: &[Counted<'_>]) {
    each(exposition, &f::REQUESTS, counted, |samples, label, total| {
        for (class, count) in CLASSES.iter().zip(total.statuses) {
            samples.count(&[label, class], count);
        }
    });
    each(exposition, &f::ERRORS, counted, |samples, label, total| {
        for (class, count) in CLASSES.iter().zip(total.statuses).skip(3) {
            samples.count(&[label, class], count);
        }
        for (reason, count) in Reason::ALL.iter().zip(total.reasons) {
            if *reason != Reason::Completed {
                samples.count(&[label, reason.label()], count);
            }
        }
    });
    latencies(exposition, &f::REQUEST_DURATION, counted, |total| &total.duration);
    each(exposition, &f::REQUEST_PHASE, counted, |samples, label, total| {
        samples.histogram(&[label, "queue"], &total.queue);
        samples.histogram(&[label, "connect"], &total.connect);
        samples.histogram(&[label, "first_byte"], &total.first_byte);
        samples.histogram(&[label, "body"], &total.body);
    });
    latencies(exposition, &f::UPSTREAM_LATENCY, counted, |total| &total.upstream_latency);
    latencies(exposition, &f::FIRST_EVENT, counted, |total| &total.first_event);
    each(exposition, &f::OVERHEAD, counted, |samples, label, total| {
        samples.histogram(&[label], &total.overhead);
    });
    counts(exposition, &f::ACTIVE, counted, |total| at_least_none(total.active));
    counts(exposition, &f::RECEIVED, counted, |total| total.received_bytes);
    counts(exposition, &f::SENT, counted, |total| total.sent_bytes);
    counts(exposition, &f::EVENT_STREAMS, counted, |total| at_least_none(total.streams));
    counts(exposition, &f::EVENTS, counted, |total| total.events);
    each(exposition, &f::UPSTREAM_CONNECTIONS, counted, |samples, label, total| {
        samples.count(&[label, "new"], total.connections_new);
        samples.count(&[label, "reused"], total.connections_reused);
    });
    counts(exposition, &f::RETRIES, counted, |total| total.retries);
}

/// The limits and the breaker of each that has a record.
pub(super) fn traffic(exposition: &mut Exposition, counted: &[Counted<'_>], now: Instant) {
    let with_record = || counted.iter().filter_map(|counted| Some((counted, counted.proxy?)));
    let mut numbers = |family, number: fn(&Proxy) -> u32| {
        let mut samples = exposition.family(family);
        for (counted, proxy) in with_record() {
            samples.count(&[counted.label], number(proxy).into());
        }
    };
    numbers(&f::LIMITER_IN_FLIGHT, |proxy| proxy.traffic.limiter.in_flight());
    numbers(&f::LIMITER_LIMIT, |proxy| proxy.traffic_config.max_concurrent);
    numbers(&f::LIMITER_WAITING, |proxy| proxy.traffic.limiter.waiting());

    let mut samples = exposition.family(&f::RATE_REFUSALS);
    for (counted, _) in with_record() {
        let refused = counted.total.reasons.get(Reason::RateLimited.index()).copied();
        samples.count(&[counted.label], refused.unwrap_or_default());
    }
    drop(samples);
    let mut samples = exposition.family(&f::DRY_RUN_REFUSALS);
    for (Counted { label, .. }, Proxy { traffic, .. }) in with_record() {
        samples.count(&[label, "queue"], traffic.limiter.dry_run_refusals());
        samples.count(&[label, "caller"], traffic.callers.dry_run_refusals());
        samples.count(&[label, "rate"], traffic.rate.dry_run_refusals());
    }
    drop(samples);
    let breakers: Vec<_> =
        with_record().map(|(counted, proxy)| (counted.label, proxy.traffic.breaker.status(now))).collect();
    let mut samples = exposition.family(&f::BREAKER_STATE);
    for (label, status) in &breakers {
        samples.count(&[label], state(status.phase));
    }
    drop(samples);
    let mut samples = exposition.family(&f::BREAKER_TRANSITIONS);
    for (label, status) in &breakers {
        samples.count(&[label, "open"], status.transitions.to_open);
        samples.count(&[label, "half_open"], status.transitions.to_half_open);
        samples.count(&[label, "closed"], status.transitions.to_closed);
    }
}

/// What each that has a record is.
pub(super) fn descriptions(exposition: &mut Exposition, counted: &[Counted<'_>]) {
    let with_record = || counted.iter().filter_map(|counted| Some((counted.label, counted.proxy?)));
    let mut samples = exposition.family(&f::PROXY_INFO);
    for (label, proxy) in with_record() {
        samples.count(&[label, &proxy.id, &proxy.path, proxy.upstream.id.host()], 1);
    }
    drop(samples);
    let mut samples = exposition.family(&f::PROXY_UNRESOLVED);
    for (label, proxy) in with_record() {
        samples.count(&[label], proxy.unresolved().is_some().into());
    }
}

/// Writes the samples of one family, proxy by proxy.
fn each(
    exposition: &mut Exposition,
    family: &'static Family,
    counted: &[Counted<'_>],
    write: impl Fn(&mut gate_telemetry::exposition::Samples<'_>, &str, &ProxyTotal),
) {
    let mut samples = exposition.family(family);
    for Counted { label, total, .. } in counted {
        write(&mut samples, label, total);
    }
}

fn counts(
    exposition: &mut Exposition,
    family: &'static Family,
    counted: &[Counted<'_>],
    count: impl Fn(&ProxyTotal) -> u64,
) {
    each(exposition, family, counted, |samples, label, total| samples.count(&[label], count(total)));
}

fn latencies(
    exposition: &mut Exposition,
    family: &'static Family,
    counted: &[Counted<'_>],
    histogram: impl Fn(&ProxyTotal) -> &HistogramTotal<{ LATENCY_BOUNDS.len() }>,
) {
    each(exposition, family, counted, |samples, label, total| samples.histogram(&[label], histogram(total)));
}

/// The numbers of 020-FR-020. Time alone makes an open breaker half-open (H55).
fn state(phase: Phase) -> u64 {
    match phase {
        Phase::Closed => 0,
        Phase::Open => 1,
        Phase::HalfOpen => 2,
    }
}

/// Cells are read one after the other: one who came to one worker and left another may be missing for a moment.
fn at_least_none(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// In the order of [`ProxyTotal::statuses`].
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
