//! `GET /api/logs/{id}`.

use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::path::Path;
use crate::services::Shared;
use axum::extract::State;
use serde_json::{Map, Value};

/// Shows one line of the log.
pub(crate) async fn view(
    _: Superuser,
    State(services): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Map<String, Value>>, ApiError> {
    services.request_log.find(&id).await?.map(Json).ok_or_else(ApiError::not_found)
}
