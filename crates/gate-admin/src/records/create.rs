//! `POST /api/collections/{collection}/records`.

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

/// Makes a record and shows it: 200, as PocketBase answers, not 201.
pub(crate) async fn create(
    Path(id_or_name): Path<String>,
    State(services): State<Shared>,
    info: Info,
    payload: Payload,
) -> Result<Json<Map<String, Value>>, ApiError> {
    let collection = collection_to_write(&id_or_name)?;
    let request = info.with(payload);
    let write = Write { collection, kind: WriteKind::Create, request: request.clone() };
    Ok(Json(written(&services.records.write(write).await?, &request)))
}
