//! A thread that looks once a second whether the workers get on, and how much memory is left.
//!
//! A worker whose event loop does not turn serves nobody: something in it computes or waits where it must not. The log names it
//! while that lasts, which is when somebody can still look at its stack.

use crate::condition::Condition;
use crate::memory::Memory;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// When the event loop of a worker last turned. Belongs to the worker; once it is gone, nobody expects it to beat.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    started: Instant,
    /// Milliseconds from the start.
    last: AtomicU64,
}

/// The running thread. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog {
    _stop: mpsc::Sender<()>,
}

/// One worker, as the thread sees it.
struct Watched {
    name: String,
    heartbeat: Weak<Heartbeat>,
    /// It did not get on when it was last looked at.
    is_stalled: bool,
}

/// What has changed about a worker.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    Stalled(Duration),
    GoesOn,
}

impl Heartbeat {
    /// The first beat.
    pub(crate) fn new(now: Instant) -> Arc<Self> {
        Arc::new(Heartbeat { started: now, last: AtomicU64::new(0) })
    }

    /// One more.
    pub(crate) fn beat(&self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.started).as_millis();
        self.last.store(u64::try_from(elapsed).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn silent_for(&self, now: Instant) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        now.saturating_duration_since(self.started).saturating_sub(last)
    }
}

impl Watchdog {
    /// Starts looking after these workers and the process's memory.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(
        workers: &[(String, Arc<Heartbeat>)],
        memory: Option<Memory>,
        condition: Arc<Condition>,
    ) -> io::Result<Self> {
        let watched = workers.iter().map(|(name, heartbeat)| Watched::new(name, heartbeat)).collect();
        let (stop, stopped) = mpsc::channel();
        let run = move || watch(watched, memory.as_ref(), &condition, &stopped);
        let _: JoinHandle<()> = thread::Builder::new().name("watchdog".into()).spawn(run)?;
        Ok(Watchdog { _stop: stop })
    }
}

impl Watched {
    fn new(name: &str, heartbeat: &Arc<Heartbeat>) -> Self {
        Watched { name: name.to_owned(), heartbeat: Arc::downgrade(heartbeat), is_stalled: false }
    }

    fn look(&mut self, now: Instant) -> Option<Change> {
        let silent = self.heartbeat.upgrade()?.silent_for(now);
        let was_stalled = std::mem::replace(&mut self.is_stalled, silent > STALLED_AFTER);
        match (was_stalled, self.is_stalled) {
            (false, true) => Some(Change::Stalled(silent)),
            (true, false) => Some(Change::GoesOn),
            _ => None,
        }
    }
}

fn watch(
    mut watched: Vec<Watched>,
    memory: Option<&Memory>,
    condition: &Condition,
    stopped: &mpsc::Receiver<()>,
) {
    let mut last = Instant::now();
    while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
        let now = Instant::now();
        // When this thread did not get on either, it was the whole machine, or the process was frozen.
        if now.saturating_duration_since(last) < LOOK_EVERY * 2 {
            for worker in &mut watched {
                report(worker, now);
            }
        }
        last = now;
        if let Some(memory) = memory {
            look_at_memory(memory, condition);
        }
    }
}

fn report(worker: &mut Watched, now: Instant) {
    match worker.look(now) {
        Some(Change::Stalled(silent)) => {
            let stalled_ms = u64::try_from(silent.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(worker = worker.name, stalled_ms, "a worker has stalled");
        }
        Some(Change::GoesOn) => tracing::info!(worker = worker.name, "a worker that had stalled goes on"),
        None => {}
    }
}

fn look_at_memory(memory: &Memory, condition: &Condition) {
    let was_short = condition.is_short_of_memory();
    let usage = memory.usage();
    let is_short = usage.is_some_and(|usage| usage.is_short(was_short));
    condition.set_short_of_memory(is_short);
    let (used, limit) = usage.map_or((0, 0), |usage| (usage.used, usage.limit));
    if is_short && !was_short {
        tracing::warn!(used, limit, "short of memory, requests are refused");
    } else if was_short && !is_short {
        tracing::info!(used, limit, "enough memory again");
    }
}

/// A second: nobody notices less, and a look costs a few microseconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Ten ticks of a worker's clock.
const STALLED_AFTER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn after(now: Instant, milliseconds: u64) -> Instant {
        now + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_stall_is_reported_once_and_so_is_its_end() {
        let now = Instant::now();
        let heartbeat = Heartbeat::new(now);
        let mut worker = Watched::new("worker-0", &heartbeat);
        assert_eq!(worker.look(after(now, 900)), None);
        let stalled = Change::Stalled(Duration::from_millis(1100));
        assert_eq!(worker.look(after(now, 1100)), Some(stalled));
        assert_eq!(worker.look(after(now, 2100)), None);
        heartbeat.beat(after(now, 3000));
        assert_eq!(worker.look(after(now, 3100)), Some(Change::GoesOn));
        assert_eq!(worker.look(after(now, 3200)), None);
    }

    #[test]
    fn a_worker_that_has_ended_is_not_expected_to_get_on() {
        let now = Instant::now();
        let mut worker = Watched::new("worker-0", &Heartbeat::new(now));
        assert_eq!(worker.look(after(now, 60_000)), None);
    }

    #[test]
    fn memory_that_runs_short_is_seen_by_everybody() {
        let condition = Condition::default();
        look_at_memory(&Memory::Resident { limit: 1 }, &condition);
        assert!(condition.is_short_of_memory());
        look_at_memory(&Memory::Resident { limit: u64::MAX }, &condition);
        assert!(!condition.is_short_of_memory());
    }
}
