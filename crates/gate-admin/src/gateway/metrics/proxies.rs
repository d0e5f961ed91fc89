//! What is counted about proxies.

use super::labels::Counted;
use gate_snapshot::Proxy;
use gate_telemetry::Reason;
use gate_telemetry::exposition::{Exposition, Family, Samples, families as f};
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
            if *reason != Reason::Completed && (count > 0 || ALERTING.contains(reason)) {
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
    // Most proxies of many have had no request: what the others alone have says nothing about these.
    let used = || counted.iter().filter(|counted| counted.is_used);
    counts(exposition, &f::RECEIVED, used(), |total| total.received_bytes);
    counts(exposition, &f::SENT, used(), |total| total.sent_bytes);
    counts(exposition, &f::EVENT_STREAMS, counted, |total| at_least_none(total.streams));
    counts(exposition, &f::EVENTS, used(), |total| total.events);
    each(exposition, &f::UPSTREAM_CONNECTIONS, used(), |samples, label, total| {
        samples.count(&[label, "new"], total.connections_new);
        samples.count(&[label, "reused"], total.connections_reused);
    });
    counts(exposition, &f::RETRIES, used(), |total| total.retries);
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
    for (counted, proxy) in with_record() {
        let refused = counted.total.reasons.get(Reason::RateLimited.index()).copied().unwrap_or_default();
        if proxy.traffic_config.rate.is_some() || refused > 0 {
            samples.count(&[counted.label], refused);
        }
    }
    drop(samples);
    let mut samples = exposition.family(&f::DRY_RUN_REFUSALS);
    for (Counted { label, .. }, Proxy { traffic, traffic_config: config, .. }) in with_record() {
        let is_rate_dry = config.rate.as_ref().is_some_and(|rate| rate.dry_run);
        for (limit, is_dry, refused) in [
            ("queue", config.queue.dry_run, traffic.limiter.dry_run_refusals()),
            ("caller", config.callers.dry_run, traffic.callers.dry_run_refusals()),
            ("rate", is_rate_dry, traffic.rate.dry_run_refusals()),
        ] {
            if is_dry || refused > 0 {
                samples.count(&[label, limit], refused);
            }
        }
    }
    drop(samples);
    breakers(exposition, counted, now);
}

fn breakers(exposition: &mut Exposition, counted: &[Counted<'_>], now: Instant) {
    let breakers: Vec<_> = counted
        .iter()
        .filter_map(|counted| Some((counted.label, counted.proxy?)))
        .map(|(label, proxy)| (label, proxy, proxy.traffic.breaker.status(now)))
        .collect();
    let mut samples = exposition.family(&f::BREAKER_STATE);
    for (label, _, status) in &breakers {
        samples.count(&[label], state(status.phase));
    }
    drop(samples);
    let mut samples = exposition.family(&f::BREAKER_TRANSITIONS);
    for (label, proxy, status) in &breakers {
        let transitions = status.transitions;
        if proxy.traffic_config.breaker.is_some() || transitions.to_open > 0 {
            samples.count(&[label, "open"], transitions.to_open);
            samples.count(&[label, "half_open"], transitions.to_half_open);
            samples.count(&[label, "closed"], transitions.to_closed);
        }
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
fn each<'a>(
    exposition: &mut Exposition,
    family: &'static Family,
    counted: impl IntoIterator<Item = &'a Counted<'a>>,
    write: impl Fn(&mut Samples<'_>, &str, &ProxyTotal),
) {
    let mut samples = exposition.family(family);
    for Counted { label, total, .. } in counted {
        write(&mut samples, label, total);
    }
}

fn counts<'a>(
    exposition: &mut Exposition,
    family: &'static Family,
    counted: impl IntoIterator<Item = &'a Counted<'a>>,
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

/// The reasons somebody is woken for: `docs/monitoring/alerts.yml` looks for an increase, and the first request must be one. The
/// other reasons have a series once a request has ended for them: dozens of zeros for every proxy would be most of the text.
pub(super) const ALERTING: [Reason; 3] = [Reason::UpstreamTls, Reason::QueueFull, Reason::Overloaded];
