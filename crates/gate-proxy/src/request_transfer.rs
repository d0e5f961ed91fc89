//! The request on its way to the upstream, and the client that may leave meanwhile.

use crate::buffer::Buffer;
use crate::client::{Client, Wire};
use crate::deadline::Tick;
use crate::fault::Fault;
use crate::pipeline::RequestFacts;
use crate::transfer::{Body, Framing, Transfer, TransferFault, Waiting};
use gate_http::{ChunkedDecoder, RequestBody};
use gate_snapshot::Timeouts;
use gate_telemetry::Reason;
use std::task::{Context, Poll, ready};

/// The request on its way. Outlives a connection that turns out to be stale.
#[derive(Debug)]
pub(crate) struct RequestTransfer {
    transfer: Transfer,
    sending: Sending,
    /// When the response head is due because the request has been sent; set once it was.
    response_due: Option<Tick>,
    /// When it is due at the latest, whatever the phase.
    total_due: Option<Tick>,
}

/// How far the request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    /// On its way.
    Running,
    /// Sent whole.
    Sent,
    /// The upstream does not read any more; it may still answer.
    Stopped,
}

impl RequestTransfer {
    /// A request to an HTTP/1.1 upstream that begins with this head.
    pub(crate) fn new(head: Buffer, body: RequestBody, facts: &RequestFacts, is_reused: bool) -> Self {
        let framing = if body == RequestBody::Chunked { Framing::Chunked } else { Framing::Plain };
        Self::from(Transfer::new(head, body_of(body), framing, is_reused), facts)
    }

    /// The body of a request whose head has gone another way, as bytes.
    pub(crate) fn of_body(body: RequestBody, facts: &RequestFacts) -> Self {
        Self::from(Transfer::of_body(body_of(body), Framing::Plain), facts)
    }

    fn from(transfer: Transfer, facts: &RequestFacts) -> Self {
        RequestTransfer { transfer, sending: Sending::Running, response_due: None, total_due: facts.head_due }
    }

    /// Moves the request on; once it has been sent, watches whether the client is still there. Ready only with a fault.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Client,
        upstream: &mut impl Wire,
        timeouts: &Timeouts,
    ) -> Poll<Fault> {
        if self.sending == Sending::Running {
            let Client { socket, input, .. } = &mut *client;
            match ready!(self.transfer.poll(cx, socket, input, upstream)) {
                Ok(()) => self.sent(client, timeouts),
                // An upstream that stops reading has often answered already (RFC 9112 §9.5): look for that first.
                Err(TransferFault::Sink) => self.sending = Sending::Stopped,
                Err(TransferFault::Source(_) | TransferFault::Truncated) => {
                    return Poll::Ready(Reason::ClientClosed.into());
                }
                Err(TransferFault::Malformed(error)) => {
                    return Poll::Ready(Fault::because(Reason::BadRequest, error));
                }
            }
        }
        client.poll_gone(cx).map(|()| Reason::ClientClosed.into())
    }

    /// Whether all of it was sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.sending == Sending::Sent
    }

    /// Whether bytes moved since this was last asked.
    pub(crate) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.transfer.moved)
    }

    /// Whether it is safe to send it once more to an upstream that may have seen it (RFC 9110 §9.2.2).
    pub(crate) fn may_be_repeated(&self, facts: &RequestFacts) -> bool {
        self.transfer.is_unsent() || (facts.is_idempotent() && self.transfer.can_rewind())
    }

    /// Begins again, on another connection.
    pub(crate) fn rewind(&mut self) {
        self.transfer.rewind();
        self.sending = Sending::Running;
    }

    /// There will be no second try.
    pub(crate) fn forget(&mut self) {
        self.transfer.forget();
    }

    /// What to call it that the head did not come in time.
    pub(crate) fn head_timeout(&self, client: &Client) -> Reason {
        let is_due = |due: Option<Tick>| due.is_some_and(|due| due <= client.deadline.now());
        match self.sending {
            Sending::Running if self.transfer.waiting_for == Waiting::Source => Reason::TimeoutClientBody,
            Sending::Sent if is_due(self.response_due) => Reason::TimeoutFirstByte,
            _ => Reason::TimeoutTotal,
        }
    }

    fn sent(&mut self, client: &Client, timeouts: &Timeouts) {
        self.sending = Sending::Sent;
        // Without `response_header` the wait for the head is unlimited, and `total` bounds only what came before
        // (contract D-6).
        self.response_due = timeouts.response_header.map(|wait| client.deadline.after(wait));
        let due = self.response_due.map(|due| self.total_due.map_or(due, |total| total.min(due)));
        client.deadline.set(due);
    }
}

fn body_of(body: RequestBody) -> Body {
    match body {
        RequestBody::Empty | RequestBody::Length(0) => Body::Done,
        RequestBody::Length(length) => Body::Length(length),
        RequestBody::Chunked => Body::Chunked(ChunkedDecoder::new()),
    }
}
