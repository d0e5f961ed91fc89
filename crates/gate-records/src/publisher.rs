//! Keeps the published snapshot in step with the store.

use crate::secrets::Secrets;
use crate::{Compiled, Compiler, Effect, EnvironmentPolicy, Problem};
use gate_snapshot::{Published, Retired};
use gate_store::{Changes, Kept, Store, StoreError};
use gate_telemetry::metrics::ProcessMetrics;
use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time;
use tracing::{error, info, warn};

/// How long after a failed load the next one is tried, when nothing changes in the meantime.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How often it is looked whether somebody still uses a snapshot that is out of force.
const FREE_INTERVAL: Duration = Duration::from_secs(1);

/// Keeps the published snapshot in step with the store: loads, compiles and publishes after every change.
///
/// While the store cannot be read, the last snapshot stays in force. One that is away already at the start is stood for by
/// what was last read from it, which is kept in the data directory.
#[derive(Debug)]
pub struct Publisher {
    store: Store,
    secrets: Secrets,
    changes: Changes,
    compiler: Compiler,
    published: Arc<Published>,
    /// The snapshots before the newest one.
    retired: Retired,
    /// What was logged already: a problem is news once, not at every reload.
    known_problems: HashSet<Problem>,
    /// Whether the last load failed; an outage is logged once as well.
    failing: bool,
    /// See [`rested_at`].
    rested_at: Instant,
    metrics: Arc<ProcessMetrics>,
    /// Those who wait for what they wrote to be published.
    waiting: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
    publishing: Publishing,
}

/// Waits for what was written to be published.
#[derive(Clone, Debug)]
pub struct Publishing(mpsc::UnboundedSender<oneshot::Sender<()>>);

impl Publishing {
    /// Returns when a snapshot of a store that holds everything committed before the call is in force, or when none
    /// can be made at the moment: what was written is safe in either case, and published as soon as it can be.
    ///
    /// Cancel-safe: dropping it has no effect.
    pub async fn published(&self) {
        let (done, published) = oneshot::channel();
        if self.0.send(done).is_ok() {
            // An error says that the load failed, or that nobody publishes any more.
            let _ = published.await;
        }
    }
}

impl Publisher {
    /// Publishes the first snapshot, for a data plane that counts in `metrics`.
    ///
    /// # Errors
    /// When the store cannot be read, and nothing was kept of it.
    pub async fn start(
        store: Store,
        secrets: Secrets,
        environment: EnvironmentPolicy,
        published: Arc<Published>,
        metrics: Arc<ProcessMetrics>,
    ) -> Result<Self, StoreError> {
        // Before the load, so that no change falls between the two.
        let changes = store.changes().await?;
        let compiler = Compiler::new(environment, metrics.workers.len());
        let known_problems = HashSet::new();
        let (sender, waiting) = mpsc::unbounded_channel();
        let mut publisher = Publisher {
            store,
            secrets,
            changes,
            compiler,
            published,
            retired: Retired::default(),
            known_problems,
            failing: false,
            rested_at: Instant::now(),
            metrics,
            waiting,
            publishing: Publishing(sender),
        };
        match publisher.load().await {
            Ok(kept) => publisher.keep(kept).await,
            Err(error) => publisher.publish_last(error).await?,
        }
        Ok(publisher)
    }

    /// For whoever writes and wants to know when it is published.
    pub fn publishing(&self) -> Publishing {
        self.publishing.clone()
    }

    /// Publishes a snapshot after every change until it is told to stop; changes during a load are one more load.
    ///
    /// When it returns, what was published last is kept for a start without the database. Cancel-safe: may be dropped
    /// at any time, with the newest snapshot left in force, but then that one may not be kept.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            let mut told = tokio::select! {
                // First, so that what was written before the stop is published and kept.
                biased;
                told = self.wait() => told,
                () = &mut stop => return,
            };
            // Whoever asked by now has committed before the load begins.
            told.extend(std::iter::from_fn(|| self.waiting.try_recv().ok()));
            let started = Instant::now();
            let loaded = self.load().await;
            let duration = started.elapsed();
            match loaded {
                Ok(kept) => {
                    tell(told);
                    self.retired.free_unused();
                    self.keep(kept).await;
                }
                Err(error) => {
                    if !self.failing {
                        error!(%error, "the configuration cannot be loaded, the last one stays in force");
                    }
                    self.failed();
                }
            }
            self.rested_at = rested_at(self.rested_at, started, duration);
            time::sleep_until(self.rested_at.into()).await;
        }
    }

    /// Waits for a reason to load; returns whoever was one. A database that cannot be watched any more is one: whether it
    /// can be read has to be known, though nobody writes.
    async fn wait(&mut self) -> Vec<oneshot::Sender<()>> {
        let mut retry = pin!(time::sleep(if self.failing { RETRY_INTERVAL } else { Duration::MAX }));
        // One for the whole wait: each begins anew with its pause until the next look.
        let mut changed = pin!(self.changes.changed_or_away());
        loop {
            tokio::select! {
                // First, so that a write of this process, which is both, is one load.
                biased;
                _ = &mut changed => return Vec::new(),
                Some(done) = self.waiting.recv() => return vec![done],
                () = &mut retry => return Vec::new(),
                () = time::sleep(FREE_INTERVAL), if !self.retired.is_empty() => self.retired.free_unused(),
            }
        }
    }

    /// Publishes what is in the store, and returns it if it has to be kept.
    async fn load(&mut self) -> Result<Option<Kept>, StoreError> {
        let started = Instant::now();
        let read = Kept { proxies: self.store.proxies().await?, secrets: self.secrets.stored().await? };
        let kept = self.store.last_snapshot().map(|_| read.clone());
        self.publish(read, started);
        self.failing = false;
        self.metrics.configuration.failing.set(0);
        Ok(kept)
    }

    /// Keeps what was read for a start without the database. Nobody who wrote waits for that.
    async fn keep(&self, read: Option<Kept>) {
        if let (Some(last), Some(read)) = (self.store.last_snapshot(), read)
            && let Err(error) = last.write(&read).await
        {
            warn!(%error, "the configuration cannot be kept for a start without the database");
        }
    }

    /// Publishes what was kept of a database that is away. What is there now is loaded as soon as it can be.
    async fn publish_last(&mut self, error: StoreError) -> Result<(), StoreError> {
        let Some(last) = self.store.last_snapshot().filter(|_| matches!(error, StoreError::Unavailable(_)))
        else {
            return Err(error);
        };
        let Ok(kept) = last.read().await else { return Err(error) };
        warn!(%error, "the database is away, the configuration that was last read from it is in force");
        self.publish(kept, Instant::now());
        self.failed();
        Ok(())
    }

    fn failed(&mut self) {
        self.failing = true;
        self.metrics.configuration.failing.set(1);
        self.metrics.configuration.failures.add(1);
    }

    fn publish(&mut self, read: Kept, started: Instant) {
        let secrets = self.secrets.resolve(&read.secrets);
        let Compiled { snapshot, problems } = self.compiler.compile(read.proxies, secrets);
        let (generation, proxies) = (snapshot.generation(), snapshot.routes().proxies().len());
        self.retired.keep(self.published.load());
        self.published.publish(snapshot);
        self.count(started, &problems);
        let duration_ms = (started.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
        info!(generation, proxies, problems = problems.len(), duration_ms, "configuration loaded");
        self.report(problems);
    }

    fn count(&self, started: Instant, problems: &[Problem]) {
        let metrics = &self.metrics.configuration;
        metrics.published(Instant::now());
        metrics.reloads.observe(started.elapsed());
        // A record with two bad fields is one.
        let records = |effect| {
            let ids: HashSet<_> = problems.iter().filter(|it| it.effect == effect).map(|it| &it.id).collect();
            i64::try_from(ids.len()).unwrap_or(i64::MAX)
        };
        metrics.kept_last_good.set(records(Effect::KeepsLastGood));
        metrics.not_found.set(records(Effect::NotFound));
        metrics.unresolved.set(records(Effect::Unresolved));
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

/// Tells those who wait; whoever does not any more does not have to know.
fn tell(waiting: Vec<oneshot::Sender<()>>) {
    for done in waiting {
        let _ = done.send(());
    }
}

/// When as much has been rested as was worked, after a load that took so long: somebody who writes without a pause gets at
/// most half of a core. A rest before the load counts, for as long as the load was. So the second of two is not held up: of a
/// large transaction SQLite tells twice, when it starts the write-ahead log anew for it and when it is committed.
fn rested_at(before: Instant, started: Instant, duration: Duration) -> Instant {
    started.checked_sub(duration).map_or(before, |rested| rested.max(before)) + 2 * duration
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_load_follows_at_once_and_from_then_on_half_of_the_time_is_rest() {
        const LOAD: Duration = Duration::from_millis(50);
        let idle = Instant::now();
        let mut started = idle + 10 * LOAD;
        let mut rested = rested_at(idle, started, LOAD);
        assert_eq!(rested, started + LOAD, "when it has ended");
        for _ in 0..3 {
            started = rested;
            rested = rested_at(rested, started, LOAD);
            assert_eq!(rested, started + 2 * LOAD);
        }
    }
}
