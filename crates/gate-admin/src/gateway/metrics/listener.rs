//! The metrics, and nothing else, for whoever reaches a listener of their own.

use super::answer;
use crate::error::ApiError;
use crate::query::Query;
use crate::services::{Services, Shared};
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::HeaderMap;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// Answers one request for the metrics, to whoever asks: who can connect is the operator's decision. `/metrics` and
/// `/api/gateway/metrics` are all there is.
///
/// Cancel-safe: dropping it closes the connection.
pub async fn serve_metrics<C>(connection: C, services: Arc<Services>)
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = TowerToHyperService::new(router(services));
    let serving = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(connection), service);
    if let Ok(Err(error)) = timeout(CONNECTION_MAX, serving).await {
        tracing::debug!(%error, "a connection for metrics ended early");
    }
}

fn router(services: Shared) -> Router {
    Router::new()
        .route("/metrics", get(show))
        .route("/api/gateway/metrics", get(show))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .with_state(services)
}

async fn show(
    headers: HeaderMap,
    query: Query,
    State(services): State<Shared>,
) -> Result<Response, ApiError> {
    answer(services, &headers, &query).await
}

async fn not_found() -> ApiError {
    ApiError::not_found()
}

/// Who connects to collect metrics asks at once. A connection that says nothing has one of few places.
const HEAD_MAX: Duration = Duration::from_secs(2);
/// Prometheus waits 10 s for an answer unless told otherwise; nobody holds a connection for longer than a slow reader needs.
const CONNECTION_MAX: Duration = Duration::from_secs(30);
