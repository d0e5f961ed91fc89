//! `GET /api/backups`.

use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::services::Shared;
use axum::extract::State;
use gate_records::backups::Backup;

/// Lists the copies in the data directory, the newest first.
pub(crate) async fn list(
    _: Superuser,
    State(services): State<Shared>,
) -> Result<Json<Vec<Backup>>, ApiError> {
    Ok(Json(services.backups.list().map_err(ApiError::internal)?))
}
