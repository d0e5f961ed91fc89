//! What workers count about themselves.

use gate_telemetry::exposition::{Exposition, families as f};
use gate_telemetry::metrics::{HistogramTotal, OVERHEAD_BOUNDS, ProcessMetrics, WorkerMetrics};

/// All of it, added up; a stall alone is one worker's.
pub(super) fn workers(exposition: &mut Exposition, metrics: &ProcessMetrics) {
    let sum = |count: fn(&WorkerMetrics) -> u64| metrics.workers.iter().map(|worker| count(worker)).sum();
    let gauge = |gauge: fn(&WorkerMetrics) -> i64| {
        let sum: i64 = metrics.workers.iter().map(|worker| gauge(worker)).sum();
        u64::try_from(sum).unwrap_or(0)
    };
    for (family, value) in [
        (&f::CLIENT_CONNECTIONS, gauge(|worker| worker.connections_open.get())),
        (&f::CLIENT_CONNECTIONS_ACCEPTED, sum(|worker| worker.connections_accepted.get())),
        (&f::CLIENT_CONNECTIONS_TURNED_AWAY, sum(|worker| worker.connections_turned_away.get())),
        (&f::POOLED_CONNECTIONS, gauge(|worker| worker.pooled_connections.get())),
    ] {
        exposition.family(family).count(&[], value);
    }
    let mut lookups = exposition.family(&f::TOKEN_LOOKUPS);
    lookups.count(&["hit"], sum(|worker| worker.token_hits.get()));
    lookups.count(&["miss"], sum(|worker| worker.token_misses.get()));
    drop(lookups);
    for (family, value) in [
        (&f::BUFFERS_TAKEN, sum(|worker| worker.buffers_taken.get())),
        (&f::BUFFERS_REUSED, sum(|worker| worker.buffers_reused.get())),
        (&f::BUFFERS_BEYOND, sum(|worker| worker.buffers_beyond.get())),
    ] {
        exposition.family(family).count(&[], value);
    }
    let mut stalls = exposition.family(&f::STALLS);
    for (number, worker) in metrics.workers.iter().enumerate() {
        let mut total = HistogramTotal::new(&OVERHEAD_BOUNDS);
        total.add(&worker.stalls);
        stalls.histogram(&[&number.to_string()], &total);
    }
}
