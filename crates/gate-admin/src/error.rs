//! An error as PocketBase's SDKs understand it. Every error body of the control plane is made here.

use crate::json::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use std::fmt::Display;

/// An error with two messages: one for the caller, and perhaps one for the log alone (contract §1.1).
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    /// For the caller: a sentence that names nothing internal.
    message: String,
    /// For the log: the whole cause.
    cause: Option<String>,
}

impl ApiError {
    /// An error with a message for the caller; an empty message becomes the status's own.
    pub(crate) fn new(status: StatusCode, message: &str) -> Self {
        let message = if message.is_empty() { default_message(status) } else { message };
        ApiError { status, message: sentence(message), cause: None }
    }

    /// No such route or record.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "")
    }

    /// A fault of ours. The caller learns nothing of `cause`, the log all of it.
    pub(crate) fn internal(cause: impl Display) -> Self {
        ApiError { cause: Some(cause.to_string()), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "") }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status.as_u16();
        if let Some(cause) = self.cause {
            tracing::error!(status, cause, "control plane request failed");
        }
        (self.status, Json(Body { data: FieldErrors {}, message: self.message, status })).into_response()
    }
}

/// The members in PocketBase's order.
#[derive(Serialize)]
struct Body {
    data: FieldErrors,
    message: String,
    status: u16,
}

/// No endpoint validates fields yet; the member is an object all the same, never null.
#[derive(Serialize)]
struct FieldErrors {}

/// What PocketBase says when nobody said anything better.
fn default_message(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Missing or invalid authentication.",
        StatusCode::FORBIDDEN => "You are not allowed to perform this request.",
        StatusCode::NOT_FOUND => "The requested resource wasn't found.",
        StatusCode::PAYLOAD_TOO_LARGE => "Request entity too large.",
        StatusCode::TOO_MANY_REQUESTS => "Too Many Requests.",
        _ => "Something went wrong while processing your request.",
    }
}

/// Trimmed, first letter in upper case, a full stop at the end unless it already ends a sentence.
fn sentence(message: &str) -> String {
    let mut letters = message.trim().chars();
    let Some(first) = letters.next() else { return String::new() };
    let mut sentence: String = first.to_uppercase().chain(letters).collect();
    if !sentence.ends_with(['.', '?', '!']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::text_of;

    #[track_caller]
    fn check_sentence(message: &str, expected: &str) {
        assert_eq!(sentence(message), expected);
    }

    #[test]
    fn a_message_becomes_a_sentence() {
        check_sentence("  failed to create record ", "Failed to create record.");
        check_sentence("is it?", "Is it?");
        check_sentence("Stop!", "Stop!");
        check_sentence("übel", "Übel.");
        check_sentence(" ", "");
    }

    #[tokio::test]
    async fn an_error_body_is_pocketbases_byte_for_byte() {
        let error = ApiError::new(StatusCode::CONFLICT, "the record was changed by someone else");
        let expected =
            concat!(r#"{"data":{},"message":"The record was changed by someone else.","status":409}"#, "\n");
        assert_eq!(text_of(error.into_response()).await, expected);
    }

    #[tokio::test]
    async fn without_a_message_the_status_speaks_for_itself() {
        for (status, message) in [
            (400, "Something went wrong while processing your request."),
            (401, "Missing or invalid authentication."),
            (403, "You are not allowed to perform this request."),
            (404, "The requested resource wasn't found."),
            (413, "Request entity too large."),
            (429, "Too Many Requests."),
            (500, "Something went wrong while processing your request."),
        ] {
            let error = ApiError::new(StatusCode::from_u16(status).unwrap(), "");
            let expected = format!("{{\"data\":{{}},\"message\":\"{message}\",\"status\":{status}}}\n");
            assert_eq!(text_of(error.into_response()).await, expected);
        }
    }

    #[tokio::test]
    async fn the_cause_is_not_for_the_caller() {
        let error = ApiError::internal("dial tcp 10.0.0.5:8001: connection refused");
        assert!(!text_of(error.into_response()).await.contains("10.0.0.5"));
    }
}
