//! What a worker does by itself: it moves its coarse clock, hands on what was logged, and tidies up once a second.
//!
//! Every wake-up of an idle process costs it more than all that is done then. So a worker rests while no request runs, none
//! began for a whole tick and no deadline is near, however many connections are open: its clock moves in longer steps. What
//! happens next rouses it before it looks at the clock.

use crate::buffer_pool;
use crate::deadline::{Deadlines, TICK};
use crate::watchdog::Heartbeat;
use crate::worker::Worker;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::sleep_until;

/// Whether anything happens at a worker.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// Nothing has happened since the last tick.
    is_quiet: Cell<bool>,
    /// The clock moves in long steps. Only while it is quiet.
    is_resting: Cell<bool>,
    /// Told at the end of a rest.
    roused: Notify,
}

impl Rest {
    /// Something happens.
    pub(crate) fn rouse(&self, clock: &Deadlines) {
        if self.is_quiet.get() {
            self.end(clock);
        }
    }

    #[cold]
    fn end(&self, clock: &Deadlines) {
        self.is_quiet.set(false);
        if self.is_resting.take() {
            clock.advance(Instant::now());
            self.roused.notify_one();
        }
    }

    /// How long until the next tick.
    fn step(&self, worker: &Worker) -> Duration {
        let was_quiet = self.is_quiet.replace(true);
        let rests = was_quiet && worker.in_flight.is_empty() && worker.deadlines.is_calm_for(RESTING_TICK);
        self.is_resting.set(rests);
        if rests { RESTING_TICK } else { TICK }
    }
}

/// Runs for as long as the worker does.
pub(crate) async fn run(worker: Rc<Worker>, heartbeat: Arc<Heartbeat>) {
    let mut swept = Instant::now();
    loop {
        let due = Instant::now() + worker.rest.step(&worker);
        tokio::select! {
            () = sleep_until(due.into()) => {}
            () = worker.rest.roused.notified() => {}
        }
        let now = Instant::now();
        if worker.metrics.is_on() {
            worker.metrics.stalls.observe(now.saturating_duration_since(due));
        }
        heartbeat.beat(now);
        worker.deadlines.tick(now);
        worker.access_log.flush();
        worker.traces.flush();
        let is_sweeping = now.saturating_duration_since(swept) >= SWEEP_EVERY;
        if is_sweeping {
            swept = now;
            sweep(&worker);
        }
        if is_sweeping || worker.condition.is_short_of_memory() {
            buffer_pool::shrink();
        }
    }
}

fn sweep(worker: &Worker) {
    // A worker without requests lets go of a snapshot that is out of force.
    worker.snapshot();
    let mut pool = worker.pool.borrow_mut();
    pool.sweep(worker.deadlines.instant());
    worker.metrics.pooled_connections.set(i64::try_from(pool.idle_count()).unwrap_or(i64::MAX));
    buffer_pool::publish(&worker.metrics);
}

/// As often as the watchdog has to hear of every worker, and once more.
const RESTING_TICK: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::tests::worker_of;
    use gate_snapshot::Snapshot;
    use tokio::runtime::{Builder, LocalOptions};
    use tokio::task::spawn_local;
    use tokio::time::sleep;

    #[test]
    fn the_clock_is_right_when_a_rest_ends() {
        let runtime =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
        runtime.block_on(async {
            let worker = worker_of(Snapshot::new(1, []));
            spawn_local(run(Rc::clone(&worker), Heartbeat::new(Instant::now())));
            while !worker.rest.is_resting.get() {
                sleep(TICK).await;
            }
            sleep(4 * TICK).await;
            worker.rouse();
            let behind = worker.deadlines.instant().elapsed();
            assert!(behind < TICK * 2, "the clock is {behind:?} behind");
        });
    }
}
