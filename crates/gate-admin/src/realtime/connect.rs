//! `GET /api/realtime`: opens an event stream.

use super::event_stream::EventStream;
use crate::client_address::ClientAddress;
use crate::error::ApiError;
use crate::services::Shared;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, StatusCode};
use std::sync::Arc;

/// Opens a stream for anybody; what they hear depends on the subscriptions that follow.
pub(crate) async fn connect(
    State(services): State<Shared>,
    address: ClientAddress,
) -> Result<Response, ApiError> {
    let (mut connected, frames) = services
        .hub
        .connect(address.real)
        .map_err(|_| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "Too many realtime connections."))?;
    connected.watch(Arc::clone(&services.authenticate));
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        // nginx and what imitates it would collect events otherwise.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, EventStream::new(frames, connected).into_body()).into_response())
}
