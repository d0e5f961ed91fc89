//! `GET /api/crons`.

use super::job::{JOBS, Job};
use crate::caller::Superuser;
use crate::json::Json;

/// Lists the jobs.
pub(crate) async fn list(_: Superuser) -> Json<&'static [Job]> {
    Json(&JOBS)
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, request};

    #[tokio::test]
    async fn a_job_has_an_id_and_an_expression() {
        let jobs = request("GET", "/api/crons", SUPERUSER).await;
        assert_eq!(jobs.body, "[{\"id\":\"__pbLogsCleanup__\",\"expression\":\"0 */6 * * *\"}]\n");
    }
}
