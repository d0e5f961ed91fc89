//! `POST /api/crons/{id}`.

use super::job::JOBS;
use crate::caller::Superuser;
use crate::error::ApiError;
use crate::path::Path;
use crate::services::Shared;
use axum::extract::State;
use http::StatusCode;

/// Does a job now.
pub(crate) async fn run(
    _: Superuser,
    State(services): State<Shared>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let job = JOBS.into_iter().find(|job| job.id == id);
    let job = job.ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "Missing or invalid cron job."))?;
    job.run(&services).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, request};

    #[tokio::test]
    async fn a_job_is_done_and_an_unknown_one_is_a_404() {
        let done = request("POST", "/api/crons/__pbLogsCleanup__", SUPERUSER).await;
        assert_eq!((done.status, done.body.as_str()), (204, ""));
        let unknown = request("POST", "/api/crons/unknown", SUPERUSER).await;
        assert_eq!(unknown.status, 404);
        assert_eq!(unknown.json()["message"], "Missing or invalid cron job.");
    }
}
