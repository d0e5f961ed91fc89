//! What has begun is finished.

use crate::error::ApiError;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Has a request handled to its end, and its line in the log written, whether or not the client waits for the answer: the
/// connection of a client that has left is closed at once, and what was being written must not be left half done.
pub(crate) async fn whether_or_not_the_client_waits(request: Request, next: Next) -> Response {
    let handled = tokio::spawn(next.run(request)).await;
    handled.unwrap_or_else(|error| ApiError::internal(error).into_response())
}
