//! Who waits for a slot, in the order in which they are served.

use crate::CallerKey;
use hashlink::LinkedHashMap;
use std::task::Waker;
use std::time::Instant;

/// Those who wait. Each caller has a lane, first come, first served; the lanes take turns. With one lane for everybody that is
/// a plain queue.
///
/// ```text
///        next ▶ ┌─ lane A ─┐  ┌─ lane B ─┐  ┌─ lane C ─┐
///               │ A1 A2 A3 │  │ B1       │  │ C1 C2    │      served: A1 B1 C1 A2 C2 A3
///               └──────────┘  └──────────┘  └──────────┘
/// ```
///
/// To join, to leave and to be served take constant time, wherever in the queue one stands.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// In the order of their turns; no lane is empty.
    lanes: LinkedHashMap<CallerKey, Lane>,
    next_ticket: Ticket,
    /// The latest moment the queue was told of.
    latest: Option<Instant>,
}

/// Who waits; a number is given out once.
pub(crate) type Ticket = u64;

type Lane = LinkedHashMap<Ticket, Waiter>;

/// One who waits, and how they learn that they need not any longer.
#[derive(Debug, Default)]
pub(crate) struct Waiter {
    /// Of the task that asked last; `None` before it has.
    pub(crate) waker: Option<Waker>,
}

impl Queue {
    /// Tells the queue what time it is; it does not go back.
    pub(crate) fn tell(&mut self, now: Instant) {
        self.latest = self.latest.max(Some(now));
    }

    /// The latest moment the queue was told of.
    pub(crate) fn latest(&self) -> Option<Instant> {
        self.latest
    }

    /// To the end of the caller's lane. A new lane has its turn after all others; whoever asks again keeps theirs.
    pub(crate) fn join(&mut self, caller: CallerKey) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        if let Some(lane) = self.lanes.get_mut(&caller) {
            lane.insert(ticket, Waiter::default());
        } else {
            let lane = Lane::from_iter([(ticket, Waiter::default())]);
            self.lanes.insert(caller, lane);
        }
        ticket
    }

    /// Whoever holds `ticket`, while they wait.
    pub(crate) fn waiter(&mut self, caller: &CallerKey, ticket: Ticket) -> Option<&mut Waiter> {
        self.lanes.get_mut(caller)?.get_mut(&ticket)
    }

    /// Takes out whoever holds `ticket`; `None` if they wait no longer.
    pub(crate) fn leave(&mut self, caller: &CallerKey, ticket: Ticket) -> Option<Waiter> {
        let lane = self.lanes.get_mut(caller)?;
        let waiter = lane.remove(&ticket)?;
        if lane.is_empty() {
            self.lanes.remove(caller);
        }
        Some(waiter)
    }

    /// Takes out whoever is served next; `None` if nobody waits.
    pub(crate) fn next(&mut self) -> Option<Waiter> {
        let (caller, mut lane) = self.lanes.pop_front()?;
        let (_, waiter) = lane.pop_front()?;
        if !lane.is_empty() {
            self.lanes.insert(caller, lane);
        }
        Some(waiter)
    }
}
