//! What both kinds of exchange have in common while a response is relayed.

use crate::client::Client;
use crate::event_stream::{EventStream, KeepAlive};
use crate::fault::Fault;
use crate::finish::Running;
use crate::pipeline::Next;
use crate::request_transfer::RequestTransfer;
use crate::transfer::{Transfer, TransferFault, Waiting};
use gate_snapshot::Timeouts;
use gate_telemetry::Reason;
use std::task::Poll;
use std::time::Duration;

/// How long the bodies of an exchange may stay silent, and what happens meanwhile.
pub(crate) struct Silence {
    limit: Option<Duration>,
    keepalive: Option<KeepAlive>,
}

/// A response is an event stream: it is one of those that are open, and its events are counted if anybody wants to know.
pub(crate) fn begin_events(events: EventStream, download: &mut Transfer, running: &Running) {
    if events.is_one {
        running.begin_event_stream();
        if events.is_readable && running.is_watched() {
            download.count_events();
        }
    }
}

impl Silence {
    /// The response begins.
    pub(crate) fn begin(
        client: &Client,
        timeouts: &Timeouts,
        events: EventStream,
        download: &mut Transfer,
    ) -> Self {
        let keepalive = events.keepalive(timeouts).filter(|_| download.watch_events()).map(KeepAlive::new);
        let mut silence = Silence { limit: timeouts.body_idle, keepalive };
        silence.broken(client);
        silence
    }

    /// Ready when neither body has moved for too long, or without a fault when there is a comment to be sent: the download
    /// has to be polled again then.
    pub(crate) fn poll(
        &mut self,
        client: &Client,
        request: &mut RequestTransfer,
        download: &mut Transfer,
    ) -> Poll<Result<(), Fault>> {
        // Both are asked, so that both forget.
        let moved = std::mem::take(&mut download.moved) | request.take_moved();
        // What is over is over, however much moves.
        if moved && !client.deadline.is_over() {
            self.broken(client);
        } else if client.deadline.is_due() {
            return self.poll_due(client, request, download);
        }
        Poll::Pending
    }

    fn broken(&mut self, client: &Client) {
        let due = self.limit.map(|limit| client.deadline.after(limit));
        match &mut self.keepalive {
            None => client.deadline.set(due),
            Some(keepalive) => keepalive.restart(client, due),
        }
    }

    fn poll_due(
        &self,
        client: &Client,
        request: &RequestTransfer,
        download: &mut Transfer,
    ) -> Poll<Result<(), Fault>> {
        if let Some(keepalive) = self.keepalive.as_ref().filter(|keepalive| !keepalive.is_idle_due(client)) {
            keepalive.wait(client);
            return if download.put_comment() { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        let reason = match download.waiting_for {
            // An upstream that answers while it reads may be waiting for the rest of the request.
            Waiting::Source if request.waits_for_client() => Reason::TimeoutClientBody,
            Waiting::Source => Reason::TimeoutBodyIdle,
            Waiting::Sink => Reason::TimeoutClientWrite,
        };
        Poll::Ready(Err(reason.into()))
    }
}

/// What becomes of the client's connection after a response was relayed whole.
pub(crate) fn next(request_is_sent: bool, closes: bool) -> Next {
    match (request_is_sent, closes) {
        // What is left of the request stands in the way of the next one.
        (false, _) => Next::Linger,
        (true, true) => Next::Close,
        (true, false) => Next::KeepAlive,
    }
}

/// What it means for the request that its response could not be relayed.
pub(crate) fn fault(fault: TransferFault) -> Fault {
    match fault {
        TransferFault::Sink => Reason::ClientClosed.into(),
        TransferFault::Source(error) => Fault::because(Reason::UpstreamTruncated, error),
        TransferFault::Truncated => Reason::UpstreamTruncated.into(),
        TransferFault::Malformed(error) => Fault::because(Reason::UpstreamProtocol, error),
    }
}
