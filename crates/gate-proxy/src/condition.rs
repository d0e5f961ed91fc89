//! What condition the process is in, for everybody to see: written seldom, read with every request.

use crate::fault::Fault;
use crate::pipeline::RequestFacts;
use crate::refusal::{self, Answer};
use crate::route::Routed;
use gate_http::{Method, RequestHead};
use gate_telemetry::Reason;
use std::sync::atomic::{AtomicBool, Ordering};

/// What condition the process is in.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    is_leaving: AtomicBool,
    is_short_of_memory: AtomicBool,
}

impl Condition {
    /// The process is about to stop, or stopping.
    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    /// Whether there is hardly any memory left.
    pub(crate) fn set_short_of_memory(&self, is_short: bool) {
        self.is_short_of_memory.store(is_short, Ordering::Relaxed);
    }

    /// Same.
    pub(crate) fn is_short_of_memory(&self) -> bool {
        self.is_short_of_memory.load(Ordering::Relaxed)
    }

    /// Refuses what would make it worse. What leads to the control plane passes, since somebody may be about to help, but for
    /// event streams and their subscriptions, which stay.
    ///
    /// # Errors
    /// There is hardly any memory left.
    pub(crate) fn check(&self, head: &RequestHead, bytes: &[u8], routed: &Routed) -> Result<(), Fault> {
        let helps = || routed.is_control_plane && path(head, bytes, routed) != Some(REALTIME);
        if self.is_short_of_memory() && !helps() {
            return Err(Fault::because(Reason::Overloaded, "hardly any memory is left"));
        }
        Ok(())
    }

    /// The answer to `GET /api/gateway/ready`, which whoever spreads requests over gateways asks. It is given here and not by
    /// the control plane, because it is about the data plane; and so it is given at once, whatever the database does.
    pub(crate) fn answer(
        &self,
        head: &RequestHead,
        bytes: &[u8],
        routed: &Routed,
        facts: &RequestFacts,
    ) -> Option<Answer> {
        let is_asked = routed.is_control_plane
            && matches!(head.method(), Method::Get | Method::Head)
            && path(head, bytes, routed) == Some(READY);
        is_asked.then(|| match self.why_not_ready() {
            None => refusal::ready(200, "OK", "{\"ready\":true}\n", facts),
            Some(why) => {
                let body = format!("{{\"ready\":false,\"reason\":\"{why}\"}}\n");
                refusal::ready(503, "Service Unavailable", &body, facts)
            }
        })
    }

    fn why_not_ready(&self) -> Option<&'static str> {
        if self.is_leaving.load(Ordering::Relaxed) {
            Some("draining")
        } else if self.is_short_of_memory() {
            Some("memory")
        } else {
            None
        }
    }
}

/// The path as the control plane gets it.
fn path<'a>(head: &RequestHead, bytes: &'a [u8], routed: &Routed) -> Option<&'a [u8]> {
    head.path().of(bytes).get(routed.stripped..)
}

const READY: &[u8] = b"/api/gateway/ready";
const REALTIME: &[u8] = b"/api/realtime";
