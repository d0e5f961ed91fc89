//! `GET /api/logs`.

use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::list::{List, ListParameters};
use crate::services::Shared;
use axum::extract::State;
use gate_records::request_log::LogQueryError;
use serde_json::{Map, Value};

/// Lists the log, filtered and sorted by `id`, `created`, `level`, `message`, `data` and members of `data`.
pub(crate) async fn list(
    _: Superuser,
    State(services): State<Shared>,
    parameters: ListParameters,
) -> Result<Json<List<Map<String, Value>>>, ApiError> {
    let log = &services.request_log;
    let ListParameters { filter, sort, per_page, .. } = &parameters;
    let entries = log.list(filter, sort, parameters.offset(), *per_page).await?;
    let total = if parameters.skip_total { 0 } else { log.count(filter).await? };
    Ok(Json(parameters.list(entries, total)))
}

impl From<LogQueryError> for ApiError {
    fn from(error: LogQueryError) -> Self {
        match error {
            LogQueryError::Store(error) => error.into(),
            LogQueryError::Rule(error) => ApiError::bad_request("").because(error),
        }
    }
}
