//! Why a secret is neither shown nor written.

use crate::error::ApiError;
use gate_records::records::RecordError;
use gate_records::secrets::SecretError;
use http::StatusCode;

impl From<SecretError> for ApiError {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Disabled => disabled(),
            SecretError::NotFound => not_found(),
            SecretError::Invalid(errors) => invalid().with_fields(&errors),
            SecretError::Store(error) => error.into(),
            error @ (SecretError::Unreadable { .. } | SecretError::MasterKey(_)) => ApiError::internal(error),
        }
    }
}

/// Why the record of a secret was not written.
pub(super) fn not_written(error: RecordError) -> ApiError {
    match error {
        RecordError::SecretsDisabled => disabled(),
        RecordError::NotFound => not_found(),
        RecordError::NotCreated(errors) | RecordError::NotUpdated(errors) => invalid().with_fields(&errors),
        RecordError::Store(error) => error.into(),
        error => ApiError::internal(error),
    }
}

fn disabled() -> ApiError {
    let message = "Secrets feature is disabled. Please set PB_MASTER_KEY environment variable.";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message)
}

fn not_found() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "Secret not found.")
}

fn invalid() -> ApiError {
    ApiError::bad_request("An error occurred while validating the submitted data.")
}
