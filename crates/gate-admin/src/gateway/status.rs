//! `GET /api/gateway/status`: how every proxy is at this moment.

use super::last_minute::{LastMinute, MinuteShown};
use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::services::Shared;
use axum::extract::State;
use gate_records::{Timestamp, json_number};
use gate_snapshot::{Proxy, Snapshot};
use gate_telemetry::metrics::LastFailure;
use gate_traffic::{Breaker, Phase, ProxyTraffic};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Every proxy, and how it is.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    /// Of the configuration; goes up with every change.
    generation: u64,
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
    last_minute: MinuteShown,
    /// The newest first.
    last_failures: Vec<FailureShown>,
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

/// A request that failed.
#[derive(Debug, Serialize)]
struct FailureShown {
    time: String,
    reason: &'static str,
    status: u16,
    request_id: Box<str>,
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
    Ok(Json(Status::of(&services.published.load(), &services.last_minute, Instant::now())))
}

impl Status {
    pub(super) fn of(snapshot: &Snapshot, last_minute: &LastMinute, now: Instant) -> Self {
        let proxies = snapshot.routes().proxies().iter();
        let proxies = proxies.map(|proxy| ProxyStatus::of(proxy, last_minute, now)).collect();
        Status { generation: snapshot.generation(), proxies }
    }
}

impl ProxyStatus {
    pub(super) fn of(proxy: &Proxy, last_minute: &LastMinute, now: Instant) -> Self {
        let traffic = &proxy.traffic;
        ProxyStatus {
            id: Arc::clone(&proxy.id),
            name: Arc::clone(&proxy.name),
            path: (*proxy.path).to_owned(),
            active: proxy.active,
            in_flight: traffic.limiter.in_flight(),
            limit: proxy.traffic_config.max_concurrent,
            waiting: traffic.limiter.waiting(),
            breaker: BreakerShown::of(&traffic.breaker, now),
            last_minute: last_minute.of(proxy, now),
            last_failures: proxy.metrics.last_failures.newest_first().into_iter().map(Into::into).collect(),
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

impl From<LastFailure> for FailureShown {
    fn from(failure: LastFailure) -> Self {
        let LastFailure { at, reason, status, request_id } = failure;
        FailureShown { time: Timestamp::from(at).to_string(), reason: reason.label(), status, request_id }
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
