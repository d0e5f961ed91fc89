//! The auth collection in the path of a route.

use crate::error::ApiError;
use gate_records::collections::Collection;
use http::StatusCode;

/// The auth collection with this id or name.
pub(super) fn auth_collection(id_or_name: &str) -> Result<&'static Collection, ApiError> {
    let missing = |message| ApiError::new(StatusCode::NOT_FOUND, message);
    match Collection::find(id_or_name) {
        Some(collection) if collection.is_auth() => Ok(collection),
        Some(_) => Err(missing("Missing or invalid auth collection context.")),
        None => Err(missing("Missing or invalid collection context.")),
    }
}
