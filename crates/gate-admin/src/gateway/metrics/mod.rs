//! `GET /api/gateway/metrics`: what there is to count and to measure (020-FR-018).

mod access;
mod collect;
mod labels;
mod listener;
mod process;
mod proxies;
#[cfg(test)]
mod tests;
mod workers;

pub use access::MetricsAccess;
pub use listener::serve_metrics;

use crate::caller::Caller;
use crate::error::ApiError;
use crate::query::Query;
use crate::services::Shared;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use gate_telemetry::exposition::Format;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

/// Shows them to superusers, and to whoever else may see them.
pub(crate) async fn show(
    caller: Caller,
    headers: HeaderMap,
    query: Query,
    State(services): State<Shared>,
) -> Result<Response, ApiError> {
    services.metrics_access.check(&caller, &headers)?;
    answer(services, &headers, &query).await
}

/// The metrics in the form that is asked for: by `?format=`, or else by `Accept`.
async fn answer(services: Shared, headers: &HeaderMap, query: &Query) -> Result<Response, ApiError> {
    if !services.metrics.is_on() {
        return Err(ApiError::not_found());
    }
    let format = match query.first("format") {
        Some(name) => Format::named(name)
            .ok_or_else(|| ApiError::bad_request("The format is text, openmetrics or json."))?,
        None => {
            let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
            accept.map_or(Format::Text, Format::accepted)
        }
    };
    // Not between the other requests of the control plane: with hundreds of proxies it takes milliseconds.
    let collecting = tokio::task::spawn_blocking(move || collect::collect(&services, format));
    let metrics = collecting.await.map_err(ApiError::internal)?;
    Ok(([(CONTENT_TYPE, format.content_type())], metrics).into_response())
}
