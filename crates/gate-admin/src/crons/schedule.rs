//! When jobs are done.

use super::job::{JOBS, Job};
use crate::services::Services;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Does every job when it is due, for ever. Dropping it stops all of them.
pub async fn run_crons(services: Arc<Services>) {
    let mut jobs = JoinSet::new();
    for job in JOBS {
        jobs.spawn(repeat(job, Arc::clone(&services)));
    }
    jobs.join_all().await;
}

async fn repeat(job: Job, services: Arc<Services>) -> Infallible {
    loop {
        sleep(until_due(job.every, SystemTime::now())).await;
        if let Err(error) = job.run(&services).await {
            tracing::warn!(job = job.id, ?error, "a job failed");
        }
    }
}

/// How long it is to the next multiple of a period since 1970, at least a second.
fn until_due(every: Duration, now: SystemTime) -> Duration {
    let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let period = every.as_secs().max(1);
    Duration::from_secs(period - since_1970.as_secs() % period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_a_multiple_of_the_period() {
        let check = |seconds, expected| {
            let now = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(until_due(Duration::from_secs(21_600), now), Duration::from_secs(expected));
        };
        check(0, 21_600);
        check(1, 21_599);
        check(21_599, 1);
        check(21_600, 21_600);
    }
}
