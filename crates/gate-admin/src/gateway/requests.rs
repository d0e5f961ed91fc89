//! `/api/gateway/requests`: what runs at this moment, and an end to it.

use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::path::Path;
use crate::services::Shared;
use axum::extract::State;
use gate_records::json_number;
use gate_telemetry::RequestId;
use gate_telemetry::in_flight::RequestInFlight;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};

/// What runs.
#[derive(Debug, Serialize)]
pub(crate) struct Requests {
    requests: Vec<RequestShown>,
}

#[derive(Debug, Serialize)]
struct RequestShown {
    id: String,
    proxy: Box<str>,
    proxy_id: Box<str>,
    method: Box<str>,
    path: Box<str>,
    identity: Option<Box<str>>,
    collection: Option<Box<str>>,
    client_ip: IpAddr,
    upstream: Option<SocketAddr>,
    phase: &'static str,
    /// Seconds, to the millisecond.
    age: Value,
    attempts: u32,
    bytes_received: u64,
    bytes_sent: u64,
}

/// Shows what runs, the oldest first.
pub(crate) async fn list(_: Superuser, State(services): State<Shared>) -> Result<Json<Requests>, ApiError> {
    let requests = services.in_flight.list().await.into_iter().map(RequestShown::of).collect();
    Ok(Json(Requests { requests }))
}

/// Ends the requests of that name, and says nothing.
pub(crate) async fn end(
    _: Superuser,
    Path(id): Path<String>,
    State(services): State<Shared>,
) -> Result<StatusCode, ApiError> {
    let id = RequestId::parse(id.as_bytes()).ok_or_else(ApiError::not_found)?;
    if services.in_flight.end(id).await == 0 {
        return Err(ApiError::not_found());
    }
    tracing::info!(request_id = id.as_str(), "a request was ended by hand");
    Ok(StatusCode::NO_CONTENT)
}

impl RequestShown {
    fn of(request: RequestInFlight) -> Self {
        let (identity, collection) = request.identity.unzip();
        RequestShown {
            id: request.id.to_string(),
            proxy: request.proxy,
            proxy_id: request.proxy_id,
            method: request.method,
            path: request.path,
            identity,
            collection,
            client_ip: request.client,
            upstream: request.upstream,
            phase: request.phase,
            age: json_number((request.age.as_secs_f64() * 1e3).round() / 1e3),
            attempts: request.attempts,
            bytes_received: request.received,
            bytes_sent: request.sent,
        }
    }
}
