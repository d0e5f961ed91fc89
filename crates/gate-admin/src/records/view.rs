//! `GET /api/collections/{collection}/records/{id}`.

use super::shown::{collection, shown};
use crate::error::ApiError;
use crate::json::Json;
use crate::path::Path;
use crate::request_info::Info;
use crate::services::Shared;
use axum::extract::State;
use gate_records::FieldErrors;
use serde_json::{Map, Value};

/// Shows one record, if the caller may see it.
pub(crate) async fn view(
    Path((id_or_name, id)): Path<(String, String)>,
    State(services): State<Shared>,
    info: Info,
) -> Result<Json<Map<String, Value>>, ApiError> {
    let collection = collection(&id_or_name)?;
    let request = info.without_body();
    let record = services.records.view(collection, &id, &request).await?;
    Ok(Json(shown(&record, &request, &FieldErrors::default())))
}
