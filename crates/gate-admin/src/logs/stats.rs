//! `GET /api/logs/stats`.

use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::query::Query;
use crate::services::Shared;
use axum::extract::State;
use gate_records::request_log::{LogQueryError, LogsInHour};

/// Counts the lines of each hour.
pub(crate) async fn stats(
    _: Superuser,
    State(services): State<Shared>,
    query: Query,
) -> Result<Json<Vec<LogsInHour>>, ApiError> {
    let filter = query.first("filter").unwrap_or_default();
    match services.request_log.per_hour(filter).await {
        Ok(hours) => Ok(Json(hours)),
        Err(LogQueryError::Store(error)) => Err(error.into()),
        Err(LogQueryError::Rule(error)) => {
            Err(ApiError::bad_request("Invalid filter format.").because(error))
        }
    }
}
