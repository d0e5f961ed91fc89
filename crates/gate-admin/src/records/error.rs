//! Why records are neither shown nor written, as an answer.

use crate::error::ApiError;
use gate_records::StoreError;
use gate_records::records::RecordError;
use http::StatusCode;
use std::time::Duration;

impl From<RecordError> for ApiError {
    fn from(error: RecordError) -> Self {
        let message = error.to_string();
        match error {
            RecordError::OnlySuperusers | RecordError::RequestInFilter(_) => ApiError::forbidden(&message),
            RecordError::BadList(cause) => ApiError::bad_request("").because(cause),
            RecordError::NotFound | RecordError::Store(StoreError::NotFound { .. }) => ApiError::not_found(),
            RecordError::NotCreated(errors) | RecordError::NotUpdated(errors) => {
                ApiError::bad_request(&message).with_fields(&errors)
            }
            RecordError::LastSuperuser => ApiError::bad_request(&message),
            RecordError::TimedOut => ApiError::bad_request("").because(message),
            RecordError::Stale => ApiError::new(StatusCode::CONFLICT, &message),
            RecordError::Busy => ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many passwords wait to be checked; try again.",
            )
            .retry_after(PASSWORD_WAIT),
            RecordError::SecretsDisabled => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, SECRETS_DISABLED),
            RecordError::Store(error) => error.into(),
            RecordError::Internal(cause) => ApiError::internal(cause),
        }
    }
}

/// What it takes to work off some of the queue.
const PASSWORD_WAIT: Duration = Duration::from_secs(1);

/// The fork's sentence, which its clients know (contract §3.3).
const SECRETS_DISABLED: &str = "Secrets feature is disabled. Please set PB_MASTER_KEY environment variable.";
