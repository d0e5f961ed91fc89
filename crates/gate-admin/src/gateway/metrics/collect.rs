//! Puts everything that is counted into one exposition.

use super::labels::Counted;
use super::{process, proxies, workers};
use crate::services::Services;
use gate_telemetry::exposition::{Exposition, Format};
use std::time::Instant;

/// Everything there is, as it is now: what workers have counted is added up here and nowhere else.
pub(super) fn collect(services: &Services, format: Format) -> String {
    let now = Instant::now();
    let snapshot = services.published.load();
    let counted = Counted::all(&snapshot, &services.metrics);
    let mut exposition = Exposition::new(format, BYTES + counted.len() * BYTES_PER_PROXY);
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
const BYTES: usize = 16 * 1024;
/// One that is used has up to 20 KiB of it.
const BYTES_PER_PROXY: usize = 8 * 1024;
