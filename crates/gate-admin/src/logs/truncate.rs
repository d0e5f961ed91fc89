//! `DELETE /api/logs`.

use crate::caller::Superuser;
use crate::error::ApiError;
use crate::services::Shared;
use axum::extract::State;
use http::StatusCode;

/// Deletes every line of the log.
pub(crate) async fn truncate(_: Superuser, State(services): State<Shared>) -> Result<StatusCode, ApiError> {
    services.request_log.truncate().await?;
    Ok(StatusCode::NO_CONTENT)
}
