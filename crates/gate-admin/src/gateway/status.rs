//! `GET /api/gateway/status`: how every proxy is at this moment.

use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::services::Shared;
use axum::extract::State;
use gate_records::json_number;
use gate_snapshot::{Proxy, Snapshot};
use gate_traffic::{Breaker, Phase, ProxyTraffic};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Every proxy, and how it is.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    proxies: Vec<ProxyStatus>,
}

/// How one proxy is.
#[derive(Debug, Serialize)]
pub(crate) struct ProxyStatus {
    id: Arc<str>,
    name: Arc<str>,
    path: String,
    active: bool,
    /// Requests that run, or that wait for nothing but the upstream.
    in_flight: u32,
    /// How many may; 0 = unlimited.
    limit: u32,
    /// Requests that wait for a place.
    waiting: u32,
    breaker: BreakerShown,
    dry_run: DryRunShown,
}

#[derive(Debug, Serialize)]
struct BreakerShown {
    state: &'static str,
    consecutive_failures: u32,
    /// Seconds; null unless open.
    until_probe: Option<Value>,
    /// That are out.
    probes: u32,
    /// Since the start.
    trips: u64,
}

/// Who would have been refused, since the start.
#[derive(Debug, Serialize)]
struct DryRunShown {
    queue: u64,
    limits: u64,
    rate: u64,
}

/// Shows them all.
pub(crate) async fn show(_: Superuser, State(services): State<Shared>) -> Result<Json<Status>, ApiError> {
    Ok(Json(Status::of(&services.published.load(), Instant::now())))
}

impl Status {
    pub(super) fn of(snapshot: &Snapshot, now: Instant) -> Self {
        let proxies = snapshot.routes().proxies().iter();
        Status { proxies: proxies.map(|proxy| ProxyStatus::of(proxy, now)).collect() }
    }
}

impl ProxyStatus {
    pub(super) fn of(proxy: &Proxy, now: Instant) -> Self {
        let traffic = &proxy.traffic;
        ProxyStatus {
            id: Arc::clone(&proxy.id),
            name: Arc::clone(&proxy.name),
            path: proxy.path.clone(),
            active: proxy.active,
            in_flight: traffic.limiter.in_flight(),
            limit: proxy.traffic_config.max_concurrent,
            waiting: traffic.limiter.waiting(),
            breaker: BreakerShown::of(&traffic.breaker, now),
            dry_run: DryRunShown::of(traffic),
        }
    }
}

impl BreakerShown {
    fn of(breaker: &Breaker, now: Instant) -> Self {
        let status = breaker.status(now);
        BreakerShown {
            state: match status.phase {
                _ if !status.is_on => "disabled",
                Phase::Closed => "closed",
                Phase::Open => "open",
                Phase::HalfOpen => "half_open",
            },
            consecutive_failures: status.consecutive_failures,
            until_probe: status.until_probe.map(seconds),
            probes: status.probes,
            trips: status.trips,
        }
    }
}

impl DryRunShown {
    fn of(traffic: &ProxyTraffic) -> Self {
        DryRunShown {
            queue: traffic.limiter.dry_run_refusals(),
            limits: traffic.callers.dry_run_refusals(),
            rate: traffic.rate.dry_run_refusals(),
        }
    }
}

/// To the tenth, rounded up: 0 is over.
fn seconds(wait: Duration) -> Value {
    json_number((wait.as_secs_f64() * 10.0).ceil() / 10.0)
}
