//! How a request is accounted for: exactly once, however it ends.

use crate::access;
use crate::client::Client;
use crate::count::count;
use crate::fault::Fault;
use crate::record::{Phase, Record};
use crate::route::ProxyRef;
use crate::trace;
use crate::upstream_answer::UpstreamAnswer;
use crate::worker::Worker;
use gate_snapshot::Proxy;
use gate_telemetry::trace::Placement;
use gate_telemetry::{Reason, RequestId, Side};
use std::cell::Cell;
use std::net::SocketAddr;
use std::ops::Deref;
use std::rc::Rc;
use std::thread;
use std::time::Instant;

/// A request that runs, and what is known of it. Ended with [`Running::finish`]; one that is dropped instead (a panic, the
/// end of the process) is accounted for as such.
pub(crate) struct Running {
    worker: Rc<Worker>,
    record: Rc<Record>,
    is_finished: Cell<bool>,
}

impl Running {
    /// A request begins: one of the clock reads it costs. `describe` writes its line for the log.
    pub(crate) fn begin(
        worker: &Rc<Worker>,
        client: &Client,
        id: RequestId,
        describe: impl FnOnce(&mut Vec<u8>),
    ) -> Self {
        let now = Instant::now();
        let record = worker.in_flight.take(now);
        describe(&mut record.line.borrow_mut());
        record.begin(id, client, now);
        Running { worker: Rc::clone(worker), record, is_finished: Cell::new(false) }
    }

    /// The proxy is known.
    pub(crate) fn routed(&self, proxy: &ProxyRef) {
        self.proxy.replace(Some(proxy.clone()));
        if self.worker.metrics.is_on() {
            proxy.metrics.shard(self.worker.number).active.up();
        }
    }

    /// A connection for it is there: its first byte is about to leave. `address` is the upstream's, where it has one.
    pub(crate) fn sending(&self, address: Option<SocketAddr>, is_reused: bool, has_body: bool) {
        self.attempts.set(self.attempts.get() + 1);
        self.upstream.set(address);
        self.is_reused.set(is_reused);
        self.phase.set(Phase::Waiting);
        self.sent.set(None);
        // Without a body it has left as soon as it has begun, at which the clock is read anyway.
        self.begun.set(has_body.then(|| self.clock()));
    }

    /// The connection had been closed before anything of the request arrived.
    pub(crate) fn was_no_attempt(&self) {
        self.give_up(self.clock());
        self.attempts.set(self.attempts.get().saturating_sub(1));
    }

    /// Its last byte has left, or none will any more.
    pub(crate) fn sent(&self) {
        let now = self.clock();
        self.sent.set(Some(now));
        self.begun.set(Some(self.begun.get().unwrap_or(now)));
    }

    /// The upstream has answered, and the client is going to get that answer.
    pub(crate) fn answered(&self, answer: UpstreamAnswer) {
        self.answered.set(Some(self.clock()));
        self.answer.set(Some(answer));
        self.status.set(answer.status);
        self.phase.set(Phase::Relaying);
    }

    /// The upstream has answered all that its probe is about: with an event stream that has to begin in time, the first
    /// event as well.
    pub(crate) fn settle_probe(&self) {
        if let Some(answer) = self.answer.get() {
            self.admitted.borrow_mut().answered(answer, self.worker.deadlines.instant());
        }
    }

    /// Its answer is an event stream.
    pub(crate) fn begin_event_stream(&self) {
        self.is_event_stream.set(true);
        if let Some(proxy) = self.proxy.borrow().as_ref().filter(|_| self.worker.metrics.is_on()) {
            proxy.metrics.shard(self.worker.number).streams.up();
        }
    }

    /// So many events of it have come.
    pub(crate) fn events_came(&self, count: u64) {
        if count > 0 && self.first_event.get().is_none() {
            self.first_event.set(Some(self.clock()));
        }
        self.events.set(count);
    }

    /// An attempt has failed; whether another one may follow.
    pub(crate) fn begin_again(&self, proxy: &Proxy, answer: Option<UpstreamAnswer>, now: Instant) -> bool {
        let may_follow = self.admitted.borrow_mut().begin_again(proxy, answer, now);
        // Otherwise it is not given up: its answer is what the client gets.
        if may_follow {
            self.give_up(self.clock());
        }
        may_follow
    }

    /// The upstream has done its part: its place is free although the client may still have to read.
    pub(crate) fn upstream_ended(&self) {
        self.record.upstream_ended(self.clock());
        self.settle(Ok(()));
    }

    /// Gives back what the request holds of its proxy's limits, and tells the breaker how it went. Once.
    pub(crate) fn settle(&self, outcome: Result<(), &Fault>) {
        let now = self.worker.deadlines.instant();
        let proxy = self.proxy.borrow();
        self.admitted.borrow_mut().finish(outcome, self.answer.get(), proxy.as_deref(), now);
    }

    /// The request has ended.
    pub(crate) fn finish(self, client: &Client, outcome: Result<(), &Fault>) {
        self.settle(outcome);
        self.account(client.bytes().len(), outcome);
    }

    /// Whether anybody wants to know what it does.
    pub(crate) fn is_watched(&self) -> bool {
        self.worker.is_watched()
    }

    /// The time, to the tenth of a second if nobody wants to know it better.
    pub(crate) fn clock(&self) -> Instant {
        if self.is_watched() { Instant::now() } else { self.worker.deadlines.instant() }
    }

    /// `at_hand` bytes that were read from the client belong to its next request.
    fn account(&self, at_hand: usize, outcome: Result<(), &Fault>) {
        self.is_finished.set(true);
        let end = self.clock();
        let (times, moved) = (self.times(end), self.moved(at_hand));
        if self.worker.metrics.is_on() {
            let reason = outcome.err().map_or(Reason::Completed, |fault| fault.reason);
            count(&self.worker, &self.record, (&times, moved, reason));
        }
        if self.worker.access_log.is_on() {
            access::write(&self.worker, &self.record, (&times, moved), outcome);
        }
        if let Some(placement) = self.placement.get().filter(Placement::is_sampled) {
            trace::record(&self.worker, &self.record, placement, (end, moved), outcome);
        }
        if let Err(fault) = outcome
            && !self.worker.access_log.is_on_stderr()
        {
            self.log(fault, end);
        }
    }

    fn log(&self, fault: &Fault, end: Instant) {
        let (line, proxy) = (self.line.borrow(), self.proxy.borrow());
        let duration = end.saturating_duration_since(self.started.get());
        // What stands in here is put together only if somebody reads it.
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    reason = fault.reason.label(),
                    status = fault.reason.status(),
                    request_id = self.id.get().as_str(),
                    proxy = proxy.as_ref().map_or("", |proxy| &*proxy.name),
                    request = %String::from_utf8_lossy(&line),
                    duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
                    cause = %fault,
                    "request failed"
                )
            };
        }
        match fault.reason.side() {
            // Many at one time, and nothing is wrong with any of them: the metrics count them.
            _ if fault.reason.is_limit() => log!(debug),
            Side::Client => log!(info),
            Side::Upstream => log!(warn),
            Side::Gateway => log!(error),
        }
    }
}

impl Deref for Running {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

impl Drop for Running {
    /// Its record is free in any case: also when what it is accounted to panics.
    fn drop(&mut self) {
        if !self.is_finished.get() {
            let fault = if thread::panicking() {
                Fault::because(Reason::Internal, "a panic ended the request")
            } else {
                Fault::because(Reason::DrainTimeout, "the request was dropped before its end")
            };
            if self.status.get() == 0 {
                self.status.set(fault.reason.status());
            }
            self.account(0, Err(&fault));
        }
        self.worker.in_flight.put(&self.record);
    }
}
