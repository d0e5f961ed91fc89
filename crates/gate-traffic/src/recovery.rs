//! How an upstream that was left alone is tried again: the wait, the probes, the wait after that.

use crate::BreakerConfig;
use crate::breaker::{Open, Phase, Transitions};
use crate::jitter::Jitter;
use std::time::{Duration, Instant};

/// The part of a breaker that is behind its lock. Knows nothing of requests that were admitted while it was closed.
#[derive(Debug)]
pub(crate) struct Recovery {
    config: BreakerConfig,
    state: State,
    /// The wait before the next probes, without jitter; doubles with every probe that fails.
    wait: Duration,
    /// Names leases; never used twice.
    next_lease: u64,
    jitter: Jitter,
    transitions: Transitions,
    trips: u64,
}

#[derive(Debug)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { leases: Vec<Lease> },
}

/// A probe that is out.
#[derive(Debug)]
struct Lease {
    id: LeaseId,
    /// When its place is given to another one, whatever became of it.
    expires: Instant,
}

/// Which probe.
pub(crate) type LeaseId = u64;

impl Recovery {
    /// Of a closed breaker.
    pub(crate) fn new(jitter: Jitter) -> Self {
        Recovery {
            config: BreakerConfig::default(),
            state: State::Closed,
            wait: Duration::ZERO,
            next_lease: 0,
            jitter,
            transitions: Transitions::default(),
            trips: 0,
        }
    }

    /// Steered by another configuration from now on. A wait that has begun is waited to its end.
    pub(crate) fn configure(&mut self, config: &BreakerConfig) {
        self.config = config.clone();
    }

    /// Does what time does: who has waited long enough is half-open, and probes that did not settle lose their place.
    pub(crate) fn pass_time(&mut self, now: Instant) {
        match &mut self.state {
            State::Closed => {}
            State::Open { until } if now < *until => {}
            State::Open { .. } => {
                self.state = State::HalfOpen { leases: Vec::new() };
                self.transitions.to_half_open += 1;
            }
            State::HalfOpen { leases } => leases.retain(|lease| now < lease.expires),
        }
    }

    /// Opens a breaker that was closed, or was tripped by hand: waits for as long as configured, exactly (020-US4-AC2).
    pub(crate) fn trip(&mut self, now: Instant, retry_after: Option<Duration>) {
        self.trips += 1;
        self.wait = self.config.recovery_timeout.min(WAIT_MAX);
        self.open(now, self.wait, retry_after);
    }

    /// A probe failed: waits twice as long as before, more or less.
    pub(crate) fn reopen(&mut self, now: Instant, retry_after: Option<Duration>) {
        self.wait = self.wait.saturating_mul(2).min(self.wait_max());
        let wait = self.jitter.around(self.wait);
        self.open(now, wait, retry_after);
    }

    fn open(&mut self, now: Instant, wait: Duration, retry_after: Option<Duration>) {
        let wait = wait.max(retry_after.unwrap_or_default()).min(self.wait_max());
        self.transitions.to_open += u64::from(self.phase() != Phase::Open);
        self.state = State::Open { until: now + wait };
    }

    /// Leaves the upstream alone no more.
    pub(crate) fn close(&mut self) {
        if !matches!(self.state, State::Closed) {
            self.state = State::Closed;
            self.transitions.to_closed += 1;
        }
    }

    /// Takes the place of a probe.
    pub(crate) fn take_probe(&mut self, now: Instant) -> Result<LeaseId, Open> {
        if let Some(open) = self.refusal(now) {
            return Err(open);
        }
        let id = self.next_lease;
        if let State::HalfOpen { leases } = &mut self.state {
            leases.push(Lease { id, expires: now + PROBE_LEASE });
            self.next_lease += 1;
        }
        Ok(id)
    }

    /// Gives it back, if it is not lost already.
    pub(crate) fn give_back(&mut self, id: LeaseId) {
        if let State::HalfOpen { leases } = &mut self.state {
            leases.retain(|lease| lease.id != id);
        }
    }

    /// Why a request could not pass now; `None` = it could.
    pub(crate) fn refusal(&self, now: Instant) -> Option<Open> {
        let places = self.config.half_open_requests.max(1) as usize;
        match &self.state {
            State::Open { until } => {
                let retry_after = until.saturating_duration_since(now);
                Some(Open { retry_after, phase: Phase::Open })
            }
            State::HalfOpen { leases } if leases.len() >= places => {
                Some(Open { retry_after: PROBE_ANSWER, phase: Phase::HalfOpen })
            }
            State::Closed | State::HalfOpen { .. } => None,
        }
    }

    /// Which phase it is in.
    pub(crate) fn phase(&self) -> Phase {
        match self.state {
            State::Closed => Phase::Closed,
            State::Open { .. } => Phase::Open,
            State::HalfOpen { .. } => Phase::HalfOpen,
        }
    }

    /// How long it stays open.
    pub(crate) fn until_probe(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Open { until } => Some(until.saturating_duration_since(now)),
            State::Closed | State::HalfOpen { .. } => None,
        }
    }

    /// How many probes are out.
    pub(crate) fn probes(&self) -> u32 {
        match &self.state {
            State::HalfOpen { leases } => u32::try_from(leases.len()).unwrap_or(u32::MAX),
            State::Closed | State::Open { .. } => 0,
        }
    }

    /// How often it tripped.
    pub(crate) fn trips(&self) -> u64 {
        self.trips
    }

    /// How often it changed its phase.
    pub(crate) fn transitions(&self) -> Transitions {
        self.transitions
    }

    /// A wait that is configured is waited, even where the longest one is shorter.
    fn wait_max(&self) -> Duration {
        self.config.max_recovery_timeout.max(self.config.recovery_timeout).min(WAIT_MAX)
    }
}

/// 60 s: longer than nearly every wait for a response head. Without it, a probe whose request hangs would keep the breaker
/// half-open for ever.
pub(crate) const PROBE_LEASE: Duration = Duration::from_secs(60);
/// 1 s: who finds all probes out is told to ask again soon, for one of them will settle.
const PROBE_ANSWER: Duration = Duration::from_secs(1);
/// A day: the longest wait there is (contract D-27), so that no sum of times overflows.
const WAIT_MAX: Duration = Duration::from_secs(86_400);
