//! `PATCH /api/collections/{collection}/records/{id}`.

use super::shown::{collection_to_write, written};
use crate::error::ApiError;
use crate::json::Json;
use crate::path::Path;
use crate::payload::Payload;
use crate::request_info::Info;
use crate::services::Shared;
use axum::extract::State;
use gate_records::records::{Write, WriteKind};
use serde_json::{Map, Value};

/// Changes the fields that are sent and shows the record; the others stay.
pub(crate) async fn update(
    Path((id_or_name, id)): Path<(String, String)>,
    State(services): State<Shared>,
    info: Info,
    payload: Payload,
) -> Result<Json<Map<String, Value>>, ApiError> {
    let collection = collection_to_write(&id_or_name)?;
    let request = info.with(payload);
    let write = Write { collection, kind: WriteKind::Update { id }, request: request.clone() };
    Ok(Json(written(&services.records.write(write).await?, &request)))
}
