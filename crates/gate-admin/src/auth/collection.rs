//! The collection in the path of a route about accounts.

use crate::error::ApiError;
use gate_records::collections::Collection;
use http::StatusCode;

/// The auth collection with this id or name.
pub(super) fn auth_collection(id_or_name: &str) -> Result<&'static Collection, ApiError> {
    let collection = any_collection(id_or_name)?;
    if collection.is_auth() { Ok(collection) } else { Err(no_auth_collection()) }
}

/// The collection with this id or name, for who looks at the caller's token first: none is of a collection without
/// accounts.
pub(super) fn any_collection(id_or_name: &str) -> Result<&'static Collection, ApiError> {
    let missing = || ApiError::new(StatusCode::NOT_FOUND, "Missing or invalid collection context.");
    Collection::find(id_or_name).ok_or_else(missing)
}

/// There is no collection of this id or name that has accounts.
pub(super) fn no_auth_collection() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "Missing or invalid auth collection context.")
}
