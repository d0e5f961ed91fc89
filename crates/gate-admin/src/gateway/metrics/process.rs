//! What the process as a whole has and does.

use crate::services::Services;
use gate_snapshot::Snapshot;
use gate_telemetry::exposition::{Exposition, families as f};
use gate_telemetry::metrics::{HistogramTotal, LATENCY_BOUNDS};
use gate_telemetry::{ProcessUsage, log};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The configuration in force, and where it comes from.
pub(super) fn configuration(
    exposition: &mut Exposition,
    snapshot: &Snapshot,
    services: &Services,
    now: Instant,
) {
    let metrics = &services.metrics.configuration;
    exposition.family(&f::SNAPSHOT_GENERATION).count(&[], snapshot.generation());
    exposition.family(&f::SNAPSHOT_AGE).number(&[], metrics.age(now).as_secs_f64());
    let mut reloads = HistogramTotal::new(&LATENCY_BOUNDS);
    reloads.add(&metrics.reloads);
    exposition.family(&f::RELOAD_DURATION).histogram(&[], &reloads);
    exposition.family(&f::RELOAD_FAILURES).count(&[], metrics.failures.get());
    let mut problems = exposition.family(&f::PROBLEMS);
    for (effect, gauge) in [
        ("keeps_last_good", &metrics.kept_last_good),
        ("not_found", &metrics.not_found),
        ("unresolved", &metrics.unresolved),
    ] {
        problems.count(&[effect], u64::try_from(gauge.get()).unwrap_or(0));
    }
    drop(problems);
    exposition.family(&f::STORE_UP).count(&[], (metrics.failing.get() == 0).into());
    exposition.family(&f::STORE_INFO).count(&[services.store_kind], 1);
}

/// What the logs have lost, and what became of traces.
pub(super) fn logs_and_traces(exposition: &mut Exposition, services: &Services) {
    let mut samples = exposition.family(&f::LOG_LINES_DROPPED);
    samples.count(&["process"], log::dropped());
    samples.count(&["access"], services.access_log.dropped_lines());
    samples.count(&["requests"], services.request_log.dropped());
    drop(samples);
    exposition.family(&f::REQUEST_LOG_LEFT_OUT).count(&[], services.access_log.left_out());
    let mut samples = exposition.family(&f::TRACED);
    samples.count(&["exported"], services.traced.exported_total());
    samples.count(&["dropped"], services.traced.dropped_total());
}

/// The program, and what the system says of it. What the system does not say has no sample.
pub(super) fn process(exposition: &mut Exposition, started: SystemTime) {
    exposition.family(&f::BUILD_INFO).count(&[env!("CARGO_PKG_VERSION"), COMMIT], 1);
    let usage = ProcessUsage::now();
    let mut cpu = exposition.family(&f::PROCESS_CPU);
    if let Some(time) = usage.cpu {
        cpu.number(&[], time.as_secs_f64());
    }
    drop(cpu);
    for (family, value) in [
        (&f::PROCESS_RESIDENT, usage.resident_bytes),
        (&f::PROCESS_VIRTUAL, usage.virtual_bytes),
        (&f::PROCESS_DESCRIPTORS, usage.descriptors),
        (&f::PROCESS_DESCRIPTORS_MAX, usage.descriptors_max),
        (&f::PROCESS_THREADS, usage.threads),
    ] {
        let mut samples = exposition.family(family);
        if let Some(value) = value {
            samples.count(&[], value);
        }
    }
    let started = started.duration_since(UNIX_EPOCH).unwrap_or_default();
    exposition.family(&f::PROCESS_STARTED).number(&[], started.as_secs_f64());
}

/// Set by whoever builds a release; empty in a build from a working tree.
const COMMIT: &str = match option_env!("POCKETGATE_COMMIT") {
    Some(commit) => commit,
    None => "",
};
