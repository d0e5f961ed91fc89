//! `DELETE /api/collections/{collection}/records/{id}`.

use super::shown::collection;
use crate::error::ApiError;
use crate::path::Path;
use crate::request_info::Info;
use crate::services::Shared;
use axum::extract::State;
use gate_records::records::{Write, WriteKind};
use http::StatusCode;

/// Deletes a record.
pub(crate) async fn delete(
    Path((id_or_name, id)): Path<(String, String)>,
    State(services): State<Shared>,
    info: Info,
) -> Result<StatusCode, ApiError> {
    let collection = collection(&id_or_name)?;
    let write = Write { collection, kind: WriteKind::Delete { id }, request: info.without_body() };
    services.records.write(write).await?;
    Ok(StatusCode::NO_CONTENT)
}
