//! Whether a request is tried once more, and after how long.
//!
//! Never after a byte of the answer went to the client, and never what the upstream may have acted on unless it may be sent
//! twice. All retries of a proxy share a budget, so that an upstream that is down sees hardly more than its usual traffic.

use crate::client::Client;
use crate::connect::until;
use crate::fault::Fault;
use crate::finish::Running;
use crate::pipeline::RequestFacts;
use crate::upstream_answer::UpstreamAnswer;
use crate::worker::Worker;
use gate_snapshot::Proxy;
use gate_telemetry::Reason;
use std::time::Duration;

/// The attempts of one request.
pub(crate) struct Attempts<'a> {
    worker: &'a Worker,
    proxy: &'a Proxy,
    /// How many failed and were followed by another.
    retries: u32,
}

/// How an attempt failed, with nothing said to the client yet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failed {
    /// There was no connection.
    Connect,
    /// The connection ended before the head.
    Reset,
    /// The upstream answered this.
    Answered(UpstreamAnswer),
}

impl Failed {
    /// How an exchange failed, if it did in a way after which there may be another; an answer may turn out to be a failure.
    pub(crate) fn of<R>(answer: &Result<R, Fault>, said: impl FnOnce(&R) -> UpstreamAnswer) -> Option<Self> {
        match answer {
            Ok(response) => Some(Failed::Answered(said(response))),
            Err(fault) if fault.reason == Reason::UpstreamReset => Some(Failed::Reset),
            Err(_) => None,
        }
    }
}

impl<'a> Attempts<'a> {
    /// The first attempt begins.
    pub(crate) fn new(worker: &'a Worker, proxy: &'a Proxy) -> Self {
        if proxy.traffic_config.retry.is_some() {
            proxy.traffic.retry_budget.counted(worker.deadlines.instant());
        }
        Attempts { worker, proxy, retries: 0 }
    }

    /// Whether there can be another one at all: what is sent must be kept for it.
    pub(crate) fn may_follow(&self) -> bool {
        self.proxy.traffic_config.retry.as_ref().is_some_and(|retry| self.retries < retry.attempts)
    }

    /// Whether another attempt follows this failure: one is asked for, there is time for it, the breaker lets it and the budget has it.
    /// Then its wait is returned.
    pub(crate) fn next(
        &mut self,
        failed: Failed,
        client: &Client,
        facts: &RequestFacts,
        running: &Running,
    ) -> Option<Duration> {
        let retry = self.proxy.traffic_config.retry.as_ref()?;
        let (is_asked_for, answer) = match failed {
            Failed::Connect => (retry.on.connect, None),
            Failed::Reset => (retry.on.reset, None),
            Failed::Answered(answer) => (retry.on.status(answer.status), Some(answer)),
        };
        if !is_asked_for || !self.may_follow() {
            return None;
        }
        let wait = self.wait(retry.backoff, answer.and_then(|answer| answer.retry_after));
        if facts.total_due.is_some_and(|due| due <= client.deadline.after(wait)) {
            return None;
        }
        if !running.begin_again(self.proxy, answer, self.worker.deadlines.instant()) {
            return None;
        }
        self.retries += 1;
        Some(wait)
    }

    /// A random share of a wait that doubles with each attempt, so that those who failed together do not come back
    /// together; what the upstream asks for is the least.
    fn wait(&self, backoff: Duration, asked: Option<Duration>) -> Duration {
        let longest = backoff.saturating_mul(1 << self.retries.min(BACKOFF_DOUBLINGS_MAX));
        longest.mul_f64(self.worker.random_share()).max(asked.unwrap_or_default())
    }
}

/// Waits before the next attempt, for as long as the client waits.
///
/// # Errors
/// The client has gone.
pub(crate) async fn pause(
    client: &mut Client,
    facts: &RequestFacts,
    running: &Running,
    wait: Duration,
) -> Result<(), Fault> {
    client.deadline.set(facts.total_due);
    if wait.is_zero() {
        return Ok(());
    }
    let began = running.clock();
    // Boxed: rare, and a timer is large.
    let waited = until(client, Box::pin(tokio::time::sleep(wait)), Reason::TimeoutTotal).await;
    running.wait_again(running.clock().saturating_duration_since(began));
    waited
}

/// 1,024 times the first wait.
const BACKOFF_DOUBLINGS_MAX: u32 = 10;
