//! Puts everything that is counted into one exposition.

use super::labels::Counted;
use super::{process, proxies, workers};
use crate::services::Services;
use gate_telemetry::exposition::{Exposition, Format};
use std::time::Instant;

/// Everything there is, as it is now: what workers have counted is added up here and nowhere else.
pub(super) fn collect(services: &Services, format: Format) -> Vec<u8> {
    let now = Instant::now();
    let snapshot = services.published.load();
    let counted = Counted::all(&snapshot, &services.metrics);
    let histograms: usize = counted.iter().map(|counted| counted.total.histograms()).sum();
    let bytes = BYTES + counted.len() * BYTES_PER_PROXY + histograms * BYTES_PER_HISTOGRAM;
    let mut exposition = Exposition::new(format, bytes);
    proxies::requests(&mut exposition, &counted);
    proxies::traffic(&mut exposition, &counted, now);
    proxies::descriptions(&mut exposition, &counted);
    workers::workers(&mut exposition, &services.metrics);
    process::configuration(&mut exposition, &snapshot, services, now);
    process::logs_and_traces(&mut exposition, services);
    process::process(&mut exposition, services.metrics.started);
    exposition.finish()
}

/// What there is without proxies.
const BYTES: usize = 32 * 1024;
/// Some 30 lines. To take too much costs nothing: what is not written to is no memory.
const BYTES_PER_PROXY: usize = 4 * 1024;
/// Some 20 lines, most of which are the name of the proxy and its labels.
const BYTES_PER_HISTOGRAM: usize = 3 * 1024;
