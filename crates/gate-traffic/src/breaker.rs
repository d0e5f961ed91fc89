//! When to leave a failing upstream alone, and how to find out that it is back (020-FR-012 to 015).

use crate::BreakerConfig;
use crate::breaker_word::{Mode, SharedWord, Word};
use crate::failure_window::{FailureWindow, WindowCounts};
use crate::jitter::Jitter;
use crate::recovery::{LeaseId, Recovery};
use crate::sync::{AtomicU32, Mutex, MutexGuard, lock};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The breaker of one proxy, shared by all workers.
///
/// ```text
///            so many failures in a row, or too
///            large a share of them in the window
///   ┌────────┐ ───────────────────────────────▶ ┌──────┐ ◀──────────────┐
///   │ closed │                                  │ open │                │
///   └────────┘                                  └──────┘                │
///        ▲                                          │ the wait is over  │ a probe fails:
///        │                                          ▼ (time alone)      │ the wait doubles
///        │            a probe succeeds        ┌───────────┐             │
///        └─────────────────────────────────── │ half-open │ ────────────┘
///                                             └───────────┘
/// ```
///
/// *Closed*, everything passes and results are counted. *Open*, nothing passes. *Half-open*, as many probes pass at one time as are
/// configured (H52); one that is dropped without a result gives its place back, one that does not settle loses it. A result counts
/// only in the state its request was admitted in: each change begins a new generation, and what comes from an earlier one is
/// ignored (H53).
///
/// While it is closed nothing is locked: to admit is a load, a success after a success is another one. A failure, and every
/// result where the share counts, is one atomic addition.
#[derive(Debug)]
pub struct Breaker {
    word: SharedWord,
    /// So many failures in a row trip it.
    failure_threshold: AtomicU32,
    window: FailureWindow,
    recovery: Mutex<Recovery>,
}

/// What a breaker does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Lets them pass.
    Closed,
    /// Refuses them.
    Open,
    /// Lets a few of them pass, to see.
    HalfOpen,
}

/// Why a breaker refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// When asking again makes sense: once the wait is over, or shortly when all probes are out. May be zero.
    pub retry_after: Duration,
    /// Open, or half-open with all probes out.
    pub phase: Phase,
}

/// How a breaker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerStatus {
    /// False where no breaker is configured.
    pub is_on: bool,
    /// What it does with requests at this moment, whether or not there are any (H55).
    pub phase: Phase,
    /// Failures since the last success, those that tripped it and those of probes included.
    pub consecutive_failures: u32,
    /// What the share is made from; empty where the share does not matter.
    pub window: WindowCounts,
    /// How long it stays open; `None` = it is not.
    pub until_probe: Option<Duration>,
    /// Probes that are out.
    pub probes: u32,
    /// How often it tripped, by results or by hand; a probe that failed does not count.
    pub trips: u64,
    /// How often it changed its phase.
    pub transitions: Transitions,
}

/// How often a breaker came to each phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transitions {
    /// From closed or half-open.
    pub to_open: u64,
    /// From open.
    pub to_half_open: u64,
    /// From open or half-open.
    pub to_closed: u64,
}

/// A request that passed; tells the breaker what became of it.
///
/// Dropped without a result it counts as nothing at all: the client left, or the gateway was at fault (H54). A probe then gives its
/// place back.
#[derive(Debug)]
#[must_use = "a permit that is dropped counts as abandoned"]
pub struct Permit {
    /// `None` once settled, and where no breaker is configured.
    breaker: Option<Arc<Breaker>>,
    generation: u32,
    probe: Option<LeaseId>,
}

// === impl Breaker ===

impl Breaker {
    /// A closed breaker; `None` = one that lets everything pass and counts nothing.
    pub fn new(config: Option<&BreakerConfig>, now: Instant) -> Self {
        let breaker = Breaker {
            word: SharedWord::off(),
            failure_threshold: AtomicU32::new(u32::MAX),
            window: FailureWindow::new(now),
            recovery: Mutex::new(Recovery::new(Jitter::random())),
        };
        breaker.configure(config, now);
        breaker
    }

    /// Steered by another configuration from now on. Keeps its state, and a wait that has begun; `None` closes it.
    pub fn configure(&self, config: Option<&BreakerConfig>, now: Instant) {
        let mut recovery = self.recovery_at(now);
        let Some(config) = config else {
            let word = Word { share_counts: false, ..self.word.load() };
            return self.close(&mut recovery, word, Mode::Off);
        };
        recovery.configure(config);
        self.failure_threshold.store(config.failure_threshold.max(1), Ordering::Relaxed);
        self.window.configure(config);
        let share_counts = config.failure_rate > 0.0;
        self.word.update(|word| {
            let word = if word.mode == Mode::Off { word.next(Mode::Closed, 0) } else { word };
            Some(Word { share_counts, ..word })
        });
    }

    /// Whether a request would pass; takes nothing. For refusing before the request waits for anything else.
    pub fn look(&self, now: Instant) -> Result<(), Open> {
        match self.word.load().mode {
            Mode::Off | Mode::Closed => Ok(()),
            Mode::Tripped => self.recovery_at(now).refusal(now).map_or(Ok(()), Err),
        }
    }

    /// Lets a request pass, or does not. Half-open, it takes the place of a probe.
    #[inline]
    pub fn admit(self: &Arc<Self>, now: Instant) -> Result<Permit, Open> {
        let word = self.word.load();
        match word.mode {
            Mode::Off | Mode::Closed => Ok(self.permit(word, None)),
            Mode::Tripped => self.admit_probe(now),
        }
    }

    #[cold]
    fn admit_probe(self: &Arc<Self>, now: Instant) -> Result<Permit, Open> {
        let mut recovery = self.recovery_at(now);
        let word = self.word.load();
        let probe = match word.mode {
            // It closed while we came for the lock.
            Mode::Off | Mode::Closed => None,
            Mode::Tripped => Some(recovery.take_probe(now)?),
        };
        Ok(self.permit(word, probe))
    }

    fn permit(self: &Arc<Self>, word: Word, probe: Option<LeaseId>) -> Permit {
        let breaker = (word.mode != Mode::Off).then(|| Arc::clone(self));
        Permit { breaker, generation: word.generation, probe }
    }

    /// Opens it by hand, for as long as after its first trip; does nothing where no breaker is configured.
    pub fn trip(&self, now: Instant) {
        let mut recovery = self.recovery_at(now);
        let word = self.word.load();
        if word.mode != Mode::Off {
            recovery.trip(now, None);
            self.word.replace(word.next(Mode::Tripped, word.failures));
        }
    }

    /// Closes it by hand, and forgets what it has counted. The results of requests that run are ignored.
    pub fn reset(&self, now: Instant) {
        let mut recovery = self.recovery_at(now);
        let word = self.word.load();
        if word.mode != Mode::Off {
            self.close(&mut recovery, word, Mode::Closed);
        }
    }

    /// Whether it lets requests pass at this moment; `None` = it is off. Takes a lock only when it does not.
    pub fn phase(&self, now: Instant) -> Option<Phase> {
        match self.word.load().mode {
            Mode::Off => None,
            Mode::Closed => Some(Phase::Closed),
            Mode::Tripped => Some(self.recovery_at(now).phase()),
        }
    }

    /// How it is at this moment.
    pub fn status(&self, now: Instant) -> BreakerStatus {
        let recovery = self.recovery_at(now);
        let word = self.word.load();
        BreakerStatus {
            is_on: word.mode != Mode::Off,
            phase: recovery.phase(),
            consecutive_failures: word.failures,
            window: if word.share_counts { self.window.counts(now) } else { WindowCounts::default() },
            until_probe: recovery.until_probe(now),
            probes: recovery.probes(),
            trips: recovery.trips(),
            transitions: recovery.transitions(),
        }
    }

    #[inline]
    fn succeeded(&self, generation: u32, now: Instant) {
        let word = self.word.load();
        if word.generation != generation {
            return;
        }
        if word.mode == Mode::Tripped {
            return self.probe_succeeded(generation, now);
        }
        if word.share_counts {
            self.window.count(false, now);
        }
        if word.failures > 0 {
            self.word.update(|word| {
                (word.is_closed_in(generation) && word.failures > 0).then_some(Word { failures: 0, ..word })
            });
        }
    }

    fn failed(&self, generation: u32, now: Instant, retry_after: Option<Duration>) {
        let word = self.word.update(|word| word.is_closed_in(generation).then(|| word.after_failure()));
        if word.generation != generation {
            return;
        }
        if word.mode == Mode::Tripped {
            return self.probe_failed(generation, now, retry_after);
        }
        if word.share_counts {
            self.window.count(true, now);
        }
        let threshold = self.failure_threshold.load(Ordering::Relaxed);
        if word.failures >= threshold || word.share_counts && self.window.is_over(now) {
            self.trip_in(generation, now, retry_after);
        }
    }

    /// Opens a breaker that is still closed in this generation: of many failures at one time, one trips it.
    #[cold]
    fn trip_in(&self, generation: u32, now: Instant, retry_after: Option<Duration>) {
        let mut recovery = self.recovery_at(now);
        let word = self.word.load();
        if word.is_closed_in(generation) {
            recovery.trip(now, retry_after);
            self.word.replace(word.next(Mode::Tripped, word.failures));
        }
    }

    #[cold]
    fn probe_succeeded(&self, generation: u32, now: Instant) {
        let mut recovery = self.recovery_at(now);
        let word = self.word.load();
        if word.generation == generation {
            self.close(&mut recovery, word, Mode::Closed);
        }
    }

    #[cold]
    fn probe_failed(&self, generation: u32, now: Instant, retry_after: Option<Duration>) {
        let mut recovery = self.recovery_at(now);
        let word = self.word.load().after_failure();
        if word.generation == generation {
            recovery.reopen(now, retry_after);
            self.word.replace(word.next(Mode::Tripped, word.failures));
        }
    }

    /// Begins anew, closed or off.
    fn close(&self, recovery: &mut Recovery, word: Word, mode: Mode) {
        recovery.close();
        self.window.clear();
        self.word.replace(word.next(mode, 0));
    }

    /// What is behind the lock, as it is at `now`.
    fn recovery_at(&self, now: Instant) -> MutexGuard<'_, Recovery> {
        let mut recovery = lock(&self.recovery);
        recovery.pass_time(now);
        recovery
    }
}

// === impl Permit ===

impl Permit {
    /// The upstream did what it was asked for: closes a half-open breaker.
    #[inline]
    pub fn succeeded(mut self, now: Instant) {
        if let Some(breaker) = self.breaker.take() {
            breaker.succeeded(self.generation, now);
        }
    }

    /// The upstream failed: opens a half-open breaker again, and a closed one when that was one too many.
    ///
    /// `retry_after` is how long the upstream itself asked to be left alone; the breaker waits at least as long, but no longer than
    /// its longest wait.
    pub fn failed(mut self, now: Instant, retry_after: Option<Duration>) {
        if let Some(breaker) = self.breaker.take() {
            breaker.failed(self.generation, now, retry_after);
        }
    }

    /// The request is one of those by which a half-open breaker finds out. What it is answered decides, even where it would not
    /// count otherwise: an upstream that says 429 is not back yet.
    pub fn is_probe(&self) -> bool {
        self.probe.is_some()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let (Some(breaker), Some(probe)) = (&self.breaker, self.probe) {
            lock(&breaker.recovery).give_back(probe);
        }
    }
}
