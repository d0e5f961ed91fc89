//! How many requests of a proxy run at one time, and the wait for their end (020-FR-008 to 011).

use crate::counts::{Counts, SharedCounts};
use crate::queue::{Queue, Ticket};
use crate::sliding_window::nanoseconds;
use crate::sync::{Mutex, lock};
use crate::{CallerKey, QueueConfig};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// At most so many requests at one time, over all workers; the others wait their turn or are refused.
///
/// ```text
///              room, and nobody waits
///  admit ─────────────────────────────────────────────▶ Slot ──── release, drop ───▶ gone
///    │                                                   ▲ ▲ │
///    ├─ no room, the queue has one ──▶ Place             │ │ └─ somebody waits: the slot is theirs,
///    │                                  │ │ handed over  │ │    it was never free
///    │                                  │ └──────────────┘ │
///    │                                  │     configure: more room
///    │                                  └─ drop ──▶ gone   (handed over in this moment: released)
///    └─ no room in the queue either ──▶ Refused
/// ```
///
/// **Who owns what.** All numbers (how many run, how many wait, the limit) are one atomic word, so that they are seen and
/// changed together: no slot is given out by a limit that is no longer in force. While nobody waits, a request is
/// admitted and ends with one compare-and-swap each. *While somebody waits, the word changes under the mutex of the queue
/// alone*, so that nobody overtakes, and whenever the mutex is free, as many are in the queue as the word says, and
/// only if there is no room.
///
/// A [`Place`] that is no longer in the queue has its slot: whoever took it out counted it as running in the same step.
///
/// A slot is given back by dropping it, so that no way in which a request can end, a panic included, keeps it.
///
/// In this order: what every request asks comes first, together.
#[derive(Debug)]
#[repr(C)]
pub struct Limiter {
    counts: SharedCounts,
    /// In a dry run, from how many in flight on one more would be refused; `u32::MAX` otherwise.
    dry_run_from: AtomicU32,
    max_waiting: AtomicU32,
    per_identity: AtomicBool,
    dry_run_refusals: AtomicU64,
    /// How long a request lately took on average; 0 = none has ended yet.
    service_ns: AtomicU64,
    queue: Mutex<Queue>,
}

/// What a request is told that asks for a slot.
#[derive(Debug)]
pub enum Admission {
    /// It may run.
    Admitted(Slot),
    /// It may run when others have ended.
    Waiting(Place),
    /// It may not.
    Refused(QueueRefusal),
}

/// Why a request does not even wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueRefusal {
    /// Nobody may wait.
    #[error("as many requests run as may, and none may wait")]
    NoQueue,
    /// As many wait as may.
    #[error("as many requests run and wait as may")]
    Full,
}

/// The right to run, until it is released or dropped.
#[derive(Debug)]
#[must_use = "a slot that is dropped is free again"]
pub struct Slot {
    limiter: Arc<Limiter>,
    /// When it was given out, and when it was given back; `None` as long as nobody has said.
    since: Option<Instant>,
    until: Option<Instant>,
    is_beyond_limit: bool,
}

/// A place in the queue: a future that ends with the slot.
///
/// Dropping it leaves the queue at once, in constant time; a slot that was handed over in the same moment goes to the
/// next. How long to wait is the business of whoever waits.
#[derive(Debug)]
#[must_use = "a place that is dropped has left the queue"]
pub struct Place {
    /// `None` once the slot was taken.
    limiter: Option<Arc<Limiter>>,
    caller: CallerKey,
    ticket: Ticket,
}

impl Limiter {
    /// At most `max_concurrent` at one time; 0 = unlimited, but counted all the same.
    pub fn new(max_concurrent: u32, queue: &QueueConfig) -> Self {
        let limiter = Self {
            counts: SharedCounts::new(),
            max_waiting: AtomicU32::new(0),
            per_identity: AtomicBool::new(false),
            dry_run_from: AtomicU32::new(NEVER),
            dry_run_refusals: AtomicU64::new(0),
            service_ns: AtomicU64::new(0),
            queue: Mutex::default(),
        };
        limiter.configure(max_concurrent, queue);
        limiter
    }

    /// Takes effect before it returns. More room is given to those who wait; with less, what runs goes on, and nobody
    /// is admitted before there is room. Those who wait stay where they are in the queue.
    pub fn configure(&self, max_concurrent: u32, config: &QueueConfig) {
        let mut queue = lock(&self.queue);
        self.max_waiting.store(config.max_waiting, Ordering::Relaxed);
        self.per_identity.store(config.per_identity, Ordering::Relaxed);
        self.dry_run_from.store(dry_run_from(max_concurrent, config), Ordering::Relaxed);
        let limit = if config.dry_run { 0 } else { max_concurrent };
        self.counts.change(|counts| counts.limited(limit));
        let wakers = self.hand_out(&mut queue);
        drop(queue);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Asks for a slot. `caller` is asked only if the request has to wait and callers take turns.
    pub fn admit(self: &Arc<Self>, caller: impl FnOnce() -> CallerKey, now: Instant) -> Admission {
        match self.counts.try_change(Counts::admitted) {
            Ok(before) => Admission::Admitted(self.slot(before, now)),
            Err(_) if self.max_waiting.load(Ordering::Relaxed) == 0 => {
                Admission::Refused(QueueRefusal::NoQueue)
            }
            Err(_) => self.join(caller, now),
        }
    }

    /// How many run.
    pub fn in_flight(&self) -> u32 {
        self.counts.load().in_flight
    }

    /// How many wait.
    pub fn waiting(&self) -> u32 {
        self.counts.load().waiting
    }

    /// How long one more request would wait for its turn, if others take as long as they lately did: whole seconds,
    /// from 1 to 60 (H51). It is served after all who wait and after what runs beyond a lowered limit. Without a limit,
    /// as long as one request takes.
    pub fn retry_after(&self) -> Duration {
        let Counts { limit, waiting, in_flight } = self.counts.load();
        let (releases, at_one_time) = match limit {
            0 => (1, 1),
            limit => (in_flight.saturating_sub(limit) + waiting + 1, in_flight.max(limit)),
        };
        let service_ns = self.service_ns.load(Ordering::Relaxed);
        let wait_ns = service_ns.saturating_mul(releases.into()).div_ceil(at_one_time.into());
        let seconds = wait_ns.div_ceil(SECOND_NS);
        Duration::from_secs(seconds.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX))
    }

    /// How many were let through that would have been refused, had it not been a dry run. In a dry run nobody waits:
    /// whoever runs beyond the limit is taken for one who would be waiting.
    pub fn dry_run_refusals(&self) -> u64 {
        self.dry_run_refusals.load(Ordering::Relaxed)
    }

    /// The second, exact look: a slot may have come free since the first, and stays free no longer.
    fn join(self: &Arc<Self>, caller: impl FnOnce() -> CallerKey, now: Instant) -> Admission {
        let caller = if self.per_identity.load(Ordering::Relaxed) { caller() } else { CallerKey::Everyone };
        let mut queue = lock(&self.queue);
        queue.tell(now);
        let max_waiting = self.max_waiting.load(Ordering::Relaxed);
        let admit_or_join = |counts: Counts| counts.admitted().or_else(|| counts.joined(max_waiting));
        match self.counts.try_change(admit_or_join) {
            Ok(before) if before.admitted().is_some() => Admission::Admitted(self.slot(before, now)),
            Ok(_) => Admission::Waiting(Place {
                limiter: Some(Arc::clone(self)),
                ticket: queue.join(caller.clone()),
                caller,
            }),
            Err(_) => Admission::Refused(QueueRefusal::Full),
        }
    }

    /// The slot for a request that was counted when `before` ran.
    fn slot(self: &Arc<Self>, before: Counts, now: Instant) -> Slot {
        let is_beyond_limit = before.in_flight >= self.dry_run_from.load(Ordering::Relaxed);
        if is_beyond_limit {
            self.dry_run_refusals.fetch_add(1, Ordering::Relaxed);
        }
        Slot { limiter: Arc::clone(self), since: Some(now), until: None, is_beyond_limit }
    }

    fn release(&self, now: Option<Instant>) {
        if self.counts.try_change(Counts::released_unwatched).is_ok() {
            return;
        }
        let mut queue = lock(&self.queue);
        if let Some(now) = now {
            queue.tell(now);
        }
        let before = self.counts.change(Counts::released_or_handed_over);
        let next = before.hands_over().then(|| queue.next()).flatten();
        drop(queue);
        if let Some(waker) = next.and_then(|waiter| waiter.waker) {
            waker.wake();
        }
    }

    /// Gives out what room there is, and returns whom to wake once the queue is unlocked.
    fn hand_out(&self, queue: &mut Queue) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while self.counts.try_change(Counts::handed_out).is_ok() {
            wakers.extend(queue.next().and_then(|waiter| waiter.waker));
        }
        wakers
    }

    /// The average moves by an eighth of the difference with each request: what it says is about the last dozen.
    fn served(&self, time: Duration) {
        let time_ns = nanoseconds(time).max(1);
        let average = |before: u64| match before {
            0 => time_ns,
            _ => before - before / 8 + time_ns / 8,
        };
        let relaxed = Ordering::Relaxed;
        let _ = self.service_ns.fetch_update(relaxed, relaxed, |before| Some(average(before)));
    }
}

impl Slot {
    /// Whether there would have been none, had it not been a dry run.
    pub fn is_beyond_limit(&self) -> bool {
        self.is_beyond_limit
    }

    /// Gives the slot back and counts how long it was held. A slot that is dropped is given back, too, but its time says
    /// nothing about how long a request takes.
    pub fn release(mut self, now: Instant) {
        if let Some(since) = self.since {
            self.limiter.served(now.saturating_duration_since(since));
        }
        self.until = Some(now);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.limiter.release(self.until);
    }
}

impl Future for Place {
    type Output = Slot;

    /// Stays pending after it has ended.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Slot> {
        let place = &mut *self;
        let Some(limiter) = &place.limiter else {
            return Poll::Pending;
        };
        let waker = context.waker().clone();
        let mut queue = lock(&limiter.queue);
        if let Some(waiter) = queue.waiter(&place.caller, place.ticket) {
            let replaced = waiter.waker.replace(waker);
            drop(queue);
            drop(replaced); // not under the lock: it may be the last that holds a task
            return Poll::Pending;
        }
        let since = queue.latest();
        drop(queue);
        place.limiter.take().map_or(Poll::Pending, |limiter| {
            Poll::Ready(Slot { limiter, since, until: None, is_beyond_limit: false })
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(limiter) = self.limiter.take() else {
            return;
        };
        let mut queue = lock(&limiter.queue);
        let left = queue.leave(&self.caller, self.ticket);
        if left.is_some() {
            limiter.counts.change(Counts::left);
        }
        drop(queue);
        if left.is_none() {
            limiter.release(None); // the slot was ours already
        }
    }
}

/// From how many in flight on one more would be refused, if all are let through.
fn dry_run_from(max_concurrent: u32, config: &QueueConfig) -> u32 {
    if config.dry_run && max_concurrent > 0 {
        max_concurrent.saturating_add(config.max_waiting)
    } else {
        NEVER
    }
}

/// More than can be in flight.
const NEVER: u32 = u32::MAX;
/// 1 s: what the field can say, and no invitation to try again at once.
const RETRY_AFTER_MIN: u64 = 1;
/// 60 s: whoever comes back after a minute finds out what the queue is like then.
const RETRY_AFTER_MAX: u64 = 60;
const SECOND_NS: u64 = 1_000_000_000;
