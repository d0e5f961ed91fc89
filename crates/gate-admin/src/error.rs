//! An error as PocketBase's SDKs understand it. Every error body of the control plane is made here.

use crate::json::Json;
use axum::response::{IntoResponse, Response};
use gate_records::{FieldErrors, StoreError};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt::Display;
use std::time::Duration;

/// An error with two messages: one for the caller, and perhaps one for the log alone (contract §1.1).
///
/// ```text
/// {"data":{"path":{"code":"validation_required","message":"Cannot be blank."}},"message":"Failed to create record.","status":400}
/// ```
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    /// For the caller: a sentence that names nothing internal.
    message: String,
    /// For the caller's program: an error per field, nested where the field is an object.
    data: Map<String, Value>,
    /// For the log: the whole cause.
    cause: Option<String>,
    retry_after: Option<Duration>,
}

/// Why a request failed, for the request log: left in the extensions of the error's response.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// What the caller was told.
    pub(crate) message: String,
    /// What nobody else was told.
    pub(crate) cause: Option<String>,
}

impl ApiError {
    /// An error with a message for the caller; an empty message becomes the status's own.
    pub(crate) fn new(status: StatusCode, message: &str) -> Self {
        let message = if message.is_empty() { default_message(status) } else { message };
        ApiError { status, message: sentence(message), data: Map::new(), cause: None, retry_after: None }
    }

    /// The request cannot be understood or is not acceptable (400).
    pub(crate) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The caller has to say who they are (401).
    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// The caller may not do this, whoever they are (403).
    pub(crate) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// No such route or record.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "")
    }

    /// A fault of ours. The caller learns nothing of `cause`, the log all of it.
    pub(crate) fn internal(cause: impl Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "").because(cause)
    }

    /// Says what is wrong with each field.
    pub(crate) fn with_fields(self, errors: &FieldErrors) -> Self {
        match serde_json::to_value(errors) {
            Ok(Value::Object(data)) => self.with_data(data),
            _ => self,
        }
    }

    /// Sets the whole `data` member: nested field errors, or those of a batch.
    pub(crate) fn with_data(self, data: Map<String, Value>) -> Self {
        ApiError { data, ..self }
    }

    /// Says what a body was to be read for, if that is all that is known: other errors than the generic 400 have words of
    /// their own.
    pub(crate) fn explained(self, message: &str) -> Self {
        let is_generic =
            self.status == StatusCode::BAD_REQUEST && self.message == default_message(self.status);
        if is_generic { ApiError { message: sentence(message), ..self } } else { self }
    }

    /// Adds the cause, for the log alone.
    pub(crate) fn because(self, cause: impl Display) -> Self {
        ApiError { cause: Some(cause.to_string()), ..self }
    }

    /// Says when to try again, in whole seconds rounded up.
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        ApiError { retry_after: Some(wait), ..self }
    }

    /// The status it answers with.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The body as a value, for an error inside another response (a batch's).
    pub(crate) fn body(&self) -> Value {
        serde_json::json!({"data": self.data, "message": self.message, "status": self.status.as_u16()})
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status.as_u16();
        let failure = Failure { message: self.message.clone(), cause: self.cause };
        let body = Body { data: self.data, message: self.message, status };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(cause) = failure.cause.as_ref().filter(|_| self.status.is_server_error()) {
            tracing::error!(status, cause, "control plane request failed");
        }
        response.extensions_mut().insert(failure);
        response
    }
}

/// What the store could not do for anybody. What it refused for what was in the records is for the services to say.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let unavailable = |message| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message);
        let answer = match &error {
            StoreError::NotFound { .. } => ApiError::not_found(),
            StoreError::NotUnique { .. } | StoreError::Conflict { .. } => ApiError::bad_request(""),
            StoreError::Busy => unavailable("The database is busy.").retry_after(BUSY_WAIT),
            StoreError::Unavailable(_) => {
                unavailable("The database is not available.").retry_after(BUSY_WAIT)
            }
            StoreError::Full => {
                ApiError::new(StatusCode::INSUFFICIENT_STORAGE, "There is no space left for the database.")
            }
            StoreError::ReadOnly => unavailable("The database is read-only."),
            StoreError::Replaced | StoreError::Failed(_) => {
                ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "")
            }
        };
        answer.because(error)
    }
}

/// Whoever holds the lock is given as long again as we have waited for it.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// The members in PocketBase's order.
#[derive(Serialize)]
struct Body {
    data: Map<String, Value>,
    message: String,
    status: u16,
}

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
    use gate_records::FieldError;

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
    async fn the_errors_of_fields_are_in_data() {
        let mut error = FieldError::new("validation_min_text_constraint", "must be at least 2 character(s)");
        error.params.insert("min".to_owned(), 2.into());
        let error =
            ApiError::bad_request("Failed to create record.").with_fields(&FieldErrors::of("path", error));
        let expected = concat!(
            r#"{"data":{"path":{"code":"validation_min_text_constraint","message":"Must be at least 2 character(s).","#,
            r#""params":{"min":2}}},"message":"Failed to create record.","status":400}"#,
            "\n"
        );
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

    #[test]
    fn a_wait_is_rounded_up_to_seconds() {
        let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "").retry_after(Duration::from_millis(1200));
        assert_eq!(error.into_response().headers()[RETRY_AFTER], "2");
    }
}
