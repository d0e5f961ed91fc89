//! Keeps the published snapshot in step with the store.

use crate::{Compiled, Compiler, Effect, EnvironmentPolicy, Problem};
use gate_snapshot::{Published, Snapshot};
use gate_store::{Changes, Store, StoreError};
use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time;
use tracing::{error, info, warn};

/// How long after a failed load the next one is tried, when nothing changes in the meantime.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Keeps the published snapshot in step with the store: loads, compiles and publishes after every change.
///
/// While the store cannot be read, the last snapshot stays in force.
#[derive(Debug)]
pub struct Publisher {
    store: Store,
    changes: Changes,
    compiler: Compiler,
    published: Arc<Published>,
    /// The snapshot before the newest one. Kept until the next, when nobody uses it any more in the usual case:
    /// to free a large one takes a millisecond, which is not to be a worker's.
    retired: Arc<Snapshot>,
    /// What was logged already: a problem is news once, not at every reload.
    known_problems: HashSet<Problem>,
    /// Whether the last load failed; an outage is logged once as well.
    failing: bool,
}

impl Publisher {
    /// Publishes the first snapshot.
    ///
    /// # Errors
    /// When the store cannot be read: a gateway that starts has no last snapshot to keep.
    pub async fn start(
        store: Store,
        environment: EnvironmentPolicy,
        published: Arc<Published>,
    ) -> Result<Self, StoreError> {
        // Before the load, so that no change falls between the two.
        let changes = store.changes().await?;
        let compiler = Compiler::new(environment);
        let retired = published.load();
        let known_problems = HashSet::new();
        let mut publisher =
            Publisher { store, changes, compiler, published, retired, known_problems, failing: false };
        publisher.load().await?;
        Ok(publisher)
    }

    /// Publishes a snapshot after every change; changes during a load are one more load.
    ///
    /// Never ends. Cancel-safe: may be dropped at any time, with the newest snapshot left in force.
    pub async fn run(mut self) -> Infallible {
        loop {
            self.wait().await;
            let started = Instant::now();
            if let Err(error) = self.load().await
                && !self.failing
            {
                error!(%error, "the configuration cannot be loaded, the last one stays in force");
                self.failing = true;
            }
            // Somebody who writes without a pause gets at most half of a core.
            time::sleep(started.elapsed()).await;
        }
    }

    async fn wait(&mut self) {
        if self.failing {
            // Either of the two will do.
            let _ = time::timeout(RETRY_INTERVAL, self.changes.changed()).await;
        } else {
            self.changes.changed().await;
        }
    }

    async fn load(&mut self) -> Result<(), StoreError> {
        let started = Instant::now();
        let rows = self.store.proxies().await?;
        let Compiled { snapshot, problems } = self.compiler.compile(rows);
        let (generation, proxies) = (snapshot.generation(), snapshot.routes().proxies().len());
        self.retired = self.published.load();
        self.published.publish(snapshot);
        self.failing = false;
        let duration_ms = (started.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
        info!(generation, proxies, problems = problems.len(), duration_ms, "configuration loaded");
        self.report(problems);
        Ok(())
    }

    fn report(&mut self, problems: Vec<Problem>) {
        for problem in problems.iter().filter(|problem| !self.known_problems.contains(problem)) {
            let Problem { id, path, field, reason, effect } = problem;
            match effect {
                Effect::KeepsLastGood => {
                    error!(id, path, field, reason, "bad record, its last good version stays in force");
                }
                Effect::NotFound => {
                    error!(id, path, field, reason, "bad record, its path answers 404");
                }
                Effect::Unresolved => {
                    warn!(id, path, field, reason, "header without a value, its path answers 500");
                }
            }
        }
        self.known_problems = problems.into_iter().collect();
    }
}
