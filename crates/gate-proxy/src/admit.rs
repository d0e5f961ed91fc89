//! Whether a request may go on to its upstream now: the caller's share, the breaker, a place among those that run, the rate.
//!
//! The order is chosen so that a refusal costs nobody anything: a request that finds no place has not used up its caller's rate,
//! and one that waits for a place holds no probe of the breaker.

use crate::client::Client;
use crate::connect::until;
use crate::fault::Fault;
use crate::finish::Running;
use crate::identify::Caller;
use crate::pipeline::RequestFacts;
use crate::record::Phase;
use crate::route::Routed;
use crate::told::Told;
use crate::upstream_answer::UpstreamAnswer;
use crate::worker::Worker;
use gate_snapshot::Proxy;
use gate_telemetry::{Reason, Side};
use gate_traffic::{
    Admission, CallerKey, CallerRefusal, CallerSlot, Permit, Place, QueueRefusal, RateLimitBy, Slot,
};
use std::net::IpAddr;
use std::time::Instant;

/// What a request holds while it runs. Dropped, it gives everything back and tells the breaker nothing.
#[derive(Debug, Default)]
pub(crate) struct Admitted {
    /// A place among those of its caller.
    share: Option<CallerSlot>,
    /// A place among those that run.
    slot: Option<Slot>,
    /// The breaker's leave; gone once the breaker knows how it went.
    permit: Option<Permit>,
}

/// Waits until the request may go on; what it holds from then on is in `running.admitted`.
///
/// # Errors
/// It may not, or the client has gone meanwhile. `facts` know what to tell the client.
pub(crate) async fn admit(
    worker: &Worker,
    client: &mut Client,
    routed: &Routed,
    caller: &Caller,
    facts: &mut RequestFacts,
    running: &Running,
) -> Result<(), Fault> {
    let (proxy, now) = (&*routed.proxy, running.started.get());
    let who = Who { caller, address: running.client.get() };
    running.admitted.borrow_mut().share = take_share(proxy, &who, facts, running)?;
    look_at_breaker(proxy, &mut facts.told, now)?;
    match proxy.traffic.limiter.admit(|| who.key(), now) {
        Admission::Refused(refusal) => return Err(refused(proxy, refusal, &mut facts.told)),
        Admission::Admitted(slot) => {
            if slot.is_beyond_limit() {
                running.would_refuse.set(Some(refusal_of(proxy)));
            }
            take_rate(proxy, &who, facts, running)?;
            running.concurrent.set(proxy.traffic.limiter.in_flight());
            let mut admitted = running.admitted.borrow_mut();
            admitted.slot = Some(slot);
            admitted.permit = ask_breaker(proxy, &mut facts.told, now)?;
        }
        Admission::Waiting(place) => {
            take_rate(proxy, &who, facts, running)?;
            let slot = wait(client, proxy, place, facts, running).await?;
            // Waiting is not part of the time the request may take (contract D-6).
            facts.begin(client, &proxy.timeouts);
            running.concurrent.set(proxy.traffic.limiter.in_flight());
            let mut admitted = running.admitted.borrow_mut();
            admitted.slot = Some(slot);
            admitted.permit = ask_breaker(proxy, &mut facts.told, worker.deadlines.instant())?;
        }
    }
    Ok(())
}

impl Admitted {
    /// The upstream has answered. A probe is settled by that: its body may take minutes.
    pub(crate) fn answered(&mut self, answer: UpstreamAnswer, now: Instant) {
        if let Some(permit) = self.permit.take_if(|permit| permit.is_probe()) {
            settle(permit, answer, now);
        }
    }

    /// An attempt has failed, and another one is to follow; whether the breaker lets it and the budget has it. The breaker is asked
    /// first: its leave can be given back, what was spent cannot.
    pub(crate) fn begin_again(
        &mut self,
        proxy: &Proxy,
        answer: Option<UpstreamAnswer>,
        now: Instant,
    ) -> bool {
        let budget = &proxy.traffic.retry_budget;
        if proxy.traffic_config.breaker.is_none() {
            return budget.spend(now);
        }
        if let Some(permit) = self.permit.take() {
            match answer {
                Some(answer) => settle(permit, answer, now),
                None => permit.failed(now, None),
            }
        }
        let leave = proxy.traffic.breaker.admit(now);
        self.permit = leave.ok().filter(|_| budget.spend(now));
        self.permit.is_some()
    }

    /// The request has ended: what its upstream did counts, and its place is free. `now` is coarse.
    pub(crate) fn finish(
        &mut self,
        outcome: Result<(), &Fault>,
        answer: Option<UpstreamAnswer>,
        proxy: Option<&Proxy>,
        now: Instant,
    ) {
        let upstream_failed = outcome.is_err_and(|fault| fault.reason.side() == Side::Upstream);
        if let Some(permit) = self.permit.take() {
            match answer {
                _ if upstream_failed => permit.failed(now, None),
                Some(answer) => settle(permit, answer, now),
                // The client left, or we refused: that says nothing about the upstream (H19, H54).
                _ => drop(permit),
            }
        }
        if let Some(slot) = self.slot.take()
            && (answer.is_some() || upstream_failed)
            && proxy.is_some_and(limits_requests)
        {
            // The clock is read once more: how long a place is held decides what those are told who find none.
            slot.release(Instant::now());
        }
        self.share = None;
    }
}

/// Who asks, for limits that are one caller's.
struct Who<'a> {
    caller: &'a Caller,
    address: IpAddr,
}

impl Who<'_> {
    /// An identity, or a guest's address.
    fn key(&self) -> CallerKey {
        match self.caller.identity() {
            Some(identity) => CallerKey::Identity(identity.key().clone()),
            None => CallerKey::address(self.address),
        }
    }

    fn key_by(&self, by: RateLimitBy) -> CallerKey {
        match by {
            RateLimitBy::Identity => self.key(),
            RateLimitBy::Ip => CallerKey::address(self.address),
            RateLimitBy::Proxy => CallerKey::Everyone,
        }
    }
}

fn take_share(
    proxy: &Proxy,
    who: &Who<'_>,
    facts: &mut RequestFacts,
    running: &Running,
) -> Result<Option<CallerSlot>, Fault> {
    if !proxy.traffic_config.callers.is_on() {
        return Ok(None);
    }
    let callers = &proxy.traffic.callers;
    match callers.admit(&who.key(), who.address) {
        Err(_) if callers.is_dry_run() => {
            running.would_refuse.set(Some(Reason::LimitCaller));
            Ok(None)
        }
        Err(refusal) => {
            facts.told.retry_after(proxy.traffic.limiter.retry_after());
            let limited = match refusal {
                CallerRefusal::Identity => "per_identity",
                CallerRefusal::Ip => "per_ip",
            };
            Err(Fault::because(Reason::LimitCaller, limited))
        }
        Ok(share) => Ok(share),
    }
}

fn look_at_breaker(proxy: &Proxy, told: &mut Told, now: Instant) -> Result<(), Fault> {
    if proxy.traffic_config.breaker.is_none() {
        return Ok(());
    }
    proxy.traffic.breaker.look(now).map_err(|open| {
        told.breaker(&open);
        Reason::BreakerOpen.into()
    })
}

fn ask_breaker(proxy: &Proxy, told: &mut Told, now: Instant) -> Result<Option<Permit>, Fault> {
    if proxy.traffic_config.breaker.is_none() {
        return Ok(None);
    }
    proxy.traffic.breaker.admit(now).map(Some).map_err(|open| {
        told.breaker(&open);
        Reason::BreakerOpen.into()
    })
}

fn take_rate(proxy: &Proxy, who: &Who<'_>, facts: &mut RequestFacts, running: &Running) -> Result<(), Fault> {
    let rate = &proxy.traffic.rate;
    if proxy.traffic_config.rate.is_none() || !rate.is_on() {
        return Ok(());
    }
    let verdict = rate.take(&who.key_by(rate.by()), running.started.get());
    facts.told.rate(&verdict);
    if verdict.allowed {
        return Ok(());
    }
    if proxy.traffic_config.rate.as_ref().is_none_or(|rate| rate.dry_run) {
        running.would_refuse.set(Some(Reason::RateLimited));
        return Ok(());
    }
    facts.told.retry_after(verdict.retry_after);
    Err(Reason::RateLimited.into())
}

/// Why there is no place for a request, and none to wait in either.
fn refusal_of(proxy: &Proxy) -> Reason {
    if proxy.traffic_config.queue.max_waiting == 0 { Reason::LimitConcurrency } else { Reason::QueueFull }
}

fn refused(proxy: &Proxy, refusal: QueueRefusal, told: &mut Told) -> Fault {
    told.retry_after(proxy.traffic.limiter.retry_after());
    match refusal {
        QueueRefusal::NoQueue => Reason::LimitConcurrency.into(),
        QueueRefusal::Full => Reason::QueueFull.into(),
    }
}

/// Waits for a place. A client that leaves, and one that has waited long enough, leaves the queue at once.
async fn wait(
    client: &mut Client,
    proxy: &Proxy,
    place: Place,
    facts: &mut RequestFacts,
    running: &Running,
) -> Result<Slot, Fault> {
    let began = running.clock();
    running.phase.set(Phase::Queued);
    client.hold_little();
    client.deadline.set_after(Some(proxy.traffic_config.queue.timeout));
    let slot = until(client, place, Reason::QueueTimeout).await;
    running.queue.set(running.clock().saturating_duration_since(began));
    if slot.is_err() {
        facts.told.retry_after(proxy.traffic.limiter.retry_after());
    }
    slot
}

/// Whether anybody is told how long to wait for a place.
fn limits_requests(proxy: &Proxy) -> bool {
    proxy.traffic_config.max_concurrent > 0 || proxy.traffic_config.callers.is_on()
}

/// What an answer tells the breaker. Busy is not broken, but it is no sign of recovery either.
fn settle(permit: Permit, answer: UpstreamAnswer, now: Instant) {
    let is_busy = answer.status == 429 && permit.is_probe();
    if answer.status >= 500 || is_busy {
        permit.failed(now, answer.retry_after);
    } else {
        permit.succeeded(now);
    }
}
