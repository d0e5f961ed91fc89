//! What everyone who gets a token is told, and everyone who does not.

use crate::error::ApiError;
use gate_records::auth::{Login, LoginError};
use gate_records::collections::SUPERUSERS;
use gate_records::records::Visibility;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// A token and whose it is. The owner's address is always in it.
#[derive(Serialize)]
pub(crate) struct LoginBody {
    record: Map<String, Value>,
    token: String,
}

impl From<Login> for LoginBody {
    fn from(Login { record, token }: Login) -> Self {
        let is_superuser = record.collection().id == SUPERUSERS.id;
        let visibility = if is_superuser { Visibility::SUPERUSER } else { Visibility::OWNER };
        LoginBody { record: record.to_json(visibility), token }
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Invalid(errors) => invalid().with_fields(&errors),
            LoginError::Failed => ApiError::bad_request("Failed to authenticate."),
            LoginError::Throttled(throttled) => {
                ApiError::new(StatusCode::TOO_MANY_REQUESTS, "").retry_after(throttled.retry_after)
            }
            LoginError::Busy => {
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "Too many logins at this moment.")
                    .retry_after(BUSY_WAIT)
            }
            LoginError::NotAllowed => ApiError::forbidden(
                "The request doesn't satisfy the collection requirements to authenticate.",
            ),
            LoginError::NoToken(_) => no_token(),
            LoginError::OtherCollection(name) => {
                ApiError::forbidden(&format!("The request requires auth record from {name} collection."))
            }
            LoginError::NotFound => ApiError::not_found(),
            LoginError::Store(error) => error.into(),
            LoginError::Other(cause) => ApiError::internal(cause),
        }
    }
}

/// What was sent can be read and not be used.
pub(super) fn invalid() -> ApiError {
    ApiError::bad_request("An error occurred while validating the submitted data.")
}

/// What was sent cannot be read.
pub(super) fn unreadable(cause: ApiError) -> ApiError {
    cause.explained(NOT_LOADED)
}

/// A member of a body that has to be a text; absent and null are empty.
pub(super) fn text(body: &Map<String, Value>, member: &str) -> Result<String, ApiError> {
    match body.get(member) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(not_loaded().because(format_args!("{member} is not a text"))),
    }
}

pub(super) fn not_loaded() -> ApiError {
    ApiError::bad_request(NOT_LOADED)
}

pub(super) fn no_token() -> ApiError {
    ApiError::unauthorized("The request requires valid record authorization token.")
}

const NOT_LOADED: &str = "An error occurred while loading the submitted data.";
/// The queue is worked off in about three.
const BUSY_WAIT: Duration = Duration::from_secs(1);
