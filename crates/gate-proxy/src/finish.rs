//! How a request is accounted for: exactly once, however it ends.

use crate::admit::Admitted;
use crate::fault::Fault;
use crate::route::ProxyRef;
use crate::upstream_answer::UpstreamAnswer;
use crate::worker::Worker;
use gate_snapshot::Proxy;
use gate_telemetry::{Reason, Side};
use std::rc::Rc;
use std::time::Instant;

/// A request that runs. Ended with [`Running::finish`]; one that is dropped instead (a panic, the end of the
/// process) is accounted for as such.
pub(crate) struct Running {
    worker: Rc<Worker>,
    /// Numbers the requests of the worker; the request id is made from it when somebody asks.
    number: u64,
    started: Instant,
    /// `METHOD /path`, for the log; without the query, which may hold keys (H28).
    line: Vec<u8>,
    proxy: Option<ProxyRef>,
    /// What it holds of its proxy's limits.
    pub(crate) admitted: Admitted,
    /// What its upstream answered.
    answer: Option<UpstreamAnswer>,
    is_finished: bool,
}

impl Running {
    /// A request begins: one of the two clock reads it costs.
    pub(crate) fn begin(worker: &Rc<Worker>, line: Vec<u8>) -> Self {
        let number = worker.next_request();
        Running {
            worker: Rc::clone(worker),
            number,
            started: Instant::now(),
            line,
            proxy: None,
            admitted: Admitted::default(),
            answer: None,
            is_finished: false,
        }
    }

    /// The proxy is known.
    pub(crate) fn routed(&mut self, proxy: &ProxyRef) {
        self.proxy = Some(proxy.clone());
    }

    /// When it began.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// The upstream has answered, and the client is going to get that answer.
    pub(crate) fn answered(&mut self, answer: UpstreamAnswer) {
        self.answer = Some(answer);
        self.admitted.answered(answer, self.worker.deadlines.instant());
    }

    /// An attempt has failed; whether the breaker lets another one follow.
    pub(crate) fn begin_again(
        &mut self,
        proxy: &Proxy,
        answer: Option<UpstreamAnswer>,
        now: Instant,
    ) -> bool {
        self.admitted.begin_again(proxy, answer, now)
    }

    /// The id of the request, made when it is needed.
    pub(crate) fn id(&self) -> String {
        self.worker.request_id(self.number)
    }

    /// The upstream has done its part: its place is free although the client may still have to read.
    pub(crate) fn upstream_ended(&mut self) {
        self.settle(Ok(()));
    }

    /// Gives back what the request holds of its proxy's limits, and tells the breaker how it went. Once.
    pub(crate) fn settle(&mut self, outcome: Result<(), &Fault>) {
        let now = self.worker.deadlines.instant();
        self.admitted.finish(outcome, self.answer, self.proxy.as_deref(), now);
    }

    /// The request has ended; gives back the memory of its request line.
    pub(crate) fn finish(mut self, outcome: Result<(), &Fault>) -> Vec<u8> {
        self.is_finished = true;
        self.settle(outcome);
        if let Err(fault) = outcome {
            self.log(fault);
        }
        std::mem::take(&mut self.line)
    }

    fn log(&self, fault: &Fault) {
        let request_id = self.id();
        let line = String::from_utf8_lossy(&self.line);
        let proxy = self.proxy.as_ref().map_or("", |proxy| &*proxy.name);
        let (reason, status) = (fault.reason.label(), fault.reason.status());
        let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(reason, status, request_id, proxy, request = %line, duration_ms, cause = %fault, "request failed")
            };
        }
        match fault.reason.side() {
            Side::Client => log!(info),
            Side::Upstream => log!(warn),
            Side::Gateway => log!(error),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_finished {
            let reason = if self.worker.is_draining.get() { Reason::DrainTimeout } else { Reason::Internal };
            self.log(&Fault::because(reason, "the request was dropped before its end"));
        }
    }
}
