//! A record in an answer, and the collection in a path.

use crate::error::ApiError;
use gate_records::FieldErrors;
use gate_records::collections::Collection;
use gate_records::records::{Record, RequestInfo, Written};
use serde_json::{Map, Value};

/// A record as this caller may see it. A save says besides what deserves a look: an environment variable or a secret
/// that nobody knows (contract D-7).
pub(crate) fn shown(record: &Record, request: &RequestInfo, warnings: &FieldErrors) -> Map<String, Value> {
    let visibility = record.collection().visibility(request, record);
    let mut shown = record.to_json(visibility);
    if !warnings.is_empty() {
        shown.insert("warnings".to_owned(), serde_json::to_value(warnings).unwrap_or_default());
    }
    shown
}

/// What a write made, as this caller may see it.
pub(crate) fn written(written: &Written, request: &RequestInfo) -> Map<String, Value> {
    let record = written.change.after.as_ref();
    record.map(|record| shown(record, request, &written.warnings)).unwrap_or_default()
}

/// The collection a reader names, or a batch.
pub(crate) fn collection(id_or_name: &str) -> Result<&'static Collection, ApiError> {
    let missing = || ApiError::new(http::StatusCode::NOT_FOUND, "Missing collection context.");
    Collection::find(id_or_name).ok_or_else(missing)
}

/// The collection a writer names; PocketBase has another sentence for the same.
pub(super) fn collection_to_write(id_or_name: &str) -> Result<&'static Collection, ApiError> {
    let missing = || ApiError::new(http::StatusCode::NOT_FOUND, "Missing or invalid collection context.");
    Collection::find(id_or_name).ok_or_else(missing)
}
