//! The jobs.

use crate::error::ApiError;
use crate::services::Services;
use serde::Serialize;
use std::time::Duration;

/// Something the control plane does by itself, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Job {
    /// PocketBase's, where it has the job.
    pub(super) id: &'static str,
    /// When, as people write it.
    expression: &'static str,
    /// When, as it is done: at every multiple of this since 1970.
    #[serde(skip)]
    pub(super) every: Duration,
}

/// Every job.
pub(super) const JOBS: [Job; 1] = [LOGS_CLEANUP];

/// Deletes what of the request log is older than `logs.maxDays`.
const LOGS_CLEANUP: Job =
    Job { id: "__pbLogsCleanup__", expression: "0 */6 * * *", every: Duration::from_secs(6 * 60 * 60) };

impl Job {
    /// Does it now.
    pub(super) async fn run(self, services: &Services) -> Result<(), ApiError> {
        let days = services.settings.current().logs.max_days;
        let deleted = services.request_log.keep_days(days).await?;
        tracing::debug!(job = self.id, deleted, "job done");
        Ok(())
    }
}
