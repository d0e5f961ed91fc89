//! The request on its way to the upstream, and the client that may leave meanwhile.

use crate::buffer::Buffer;
use crate::client::{Client, Wire};
use crate::deadline::Tick;
use crate::fault::Fault;
use crate::pipeline::RequestFacts;
use crate::route::ProxyRef;
use crate::transfer::{Body, Framing, Transfer, TransferFault, Waiting};
use gate_http::{ChunkedDecoder, RequestBody};
use gate_snapshot::Timeouts;
use gate_telemetry::Reason;
use std::task::{Context, Poll};

/// The request on its way. Outlives a connection that turns out to be stale.
#[derive(Debug)]
pub(crate) struct RequestTransfer {
    transfer: Transfer,
    sending: Sending,
    /// When the response head is due because the request has been sent; set once it was.
    response_due: Option<Tick>,
    /// When all that comes before the wait for it is over at the latest, and the wait as well if it is limited at all.
    total_due: Option<Tick>,
    /// The head of the final response is there.
    is_answered: bool,
    /// The client has been told that it may send its body.
    is_permitted: bool,
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
    /// With `keep`, it can be sent again as long as it fits the buffer of its head.
    pub(crate) fn new(head: Buffer, facts: &RequestFacts, proxy: &ProxyRef, keep: bool) -> Self {
        let body = facts.body;
        let framing = if body == RequestBody::Chunked { Framing::Chunked } else { Framing::Plain };
        Self::from(Transfer::new(head, body_of(body), framing, keep), facts, proxy)
    }

    /// The body of a request whose head has gone another way, as bytes. It can be sent again as long as it fits `kept`, or a
    /// buffer of the usual size.
    pub(crate) fn of_body(facts: &RequestFacts, proxy: &ProxyRef, kept: Option<Buffer>) -> Self {
        Self::from(Transfer::of_body(body_of(facts.body), Framing::Plain, kept), facts, proxy)
    }

    fn from(mut transfer: Transfer, facts: &RequestFacts, proxy: &ProxyRef) -> Self {
        if facts.body == RequestBody::Chunked {
            transfer.guard_trailers(proxy);
        }
        RequestTransfer {
            transfer,
            sending: Sending::Running,
            response_due: None,
            total_due: facts.total_due,
            is_answered: false,
            is_permitted: false,
        }
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
            let outcome = self.transfer.poll(cx, socket, input, upstream, || {});
            match outcome {
                Poll::Pending => {
                    self.wait_for_body(client, timeouts);
                    if self.transfer.waiting_for == Waiting::Source {
                        return Poll::Pending;
                    }
                    // Who waits for the upstream to read does not read, and would not notice.
                    return client.socket.poll_closed(cx).map(|()| Reason::ClientClosed.into());
                }
                Poll::Ready(Ok(())) => self.sent(client, timeouts),
                // An upstream that stops reading has often answered already (RFC 9112 §9.5): look for that first.
                Poll::Ready(Err(TransferFault::Sink)) => self.sending = Sending::Stopped,
                Poll::Ready(Err(TransferFault::Source(_) | TransferFault::Truncated)) => {
                    return Poll::Ready(Reason::ClientClosed.into());
                }
                Poll::Ready(Err(TransferFault::Malformed(error))) => {
                    return Poll::Ready(Fault::because(Reason::BadRequest, error));
                }
            }
        }
        client.poll_gone(cx).map(|()| Reason::ClientClosed.into())
    }

    /// Whether it is still on its way.
    pub(crate) fn is_running(&self) -> bool {
        self.sending == Sending::Running
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
        self.transfer.is_unsent() || (facts.is_repeatable && self.transfer.can_rewind())
    }

    /// Whether all that was sent of it is still at hand.
    pub(crate) fn is_kept(&self) -> bool {
        self.transfer.can_rewind()
    }

    /// Once it has been sent, what is kept of it takes no more memory than it has bytes.
    pub(crate) fn hold_little(&mut self) {
        if self.is_sent() {
            self.transfer.hold_little();
        }
    }

    /// Begins again, on another connection.
    pub(crate) fn rewind(&mut self) {
        self.transfer.rewind();
        self.sending = Sending::Running;
        self.response_due = None;
        self.is_answered = false;
    }

    /// The head of the final response is there: from now on the response decides about time.
    pub(crate) fn answered(&mut self) {
        self.is_answered = true;
        self.forget();
    }

    /// The upstream has begun to answer: there will be no second try.
    pub(crate) fn forget(&mut self) {
        self.transfer.forget();
    }

    /// Whether it is the client that is waited for: it has not sent all of its body.
    pub(crate) fn waits_for_client(&self) -> bool {
        self.is_running() && self.transfer.waiting_for == Waiting::Source
    }

    /// Whether the client is still to be told that it may send its body. Once.
    pub(crate) fn take_permission(&mut self) -> bool {
        !std::mem::replace(&mut self.is_permitted, true)
    }

    /// What to call it that the head did not come in time.
    ///
    /// A body that the client still sends when `timeout` is over is the client's as well, however steadily it comes
    /// (RFC 9110 §15.5.9): an upstream that has read all there was has not failed, and its breaker is not to open (H19).
    pub(crate) fn head_timeout(&self, client: &Client) -> Fault {
        let is_due = |due: Option<Tick>| due.is_some_and(|due| due <= client.deadline.now());
        match self.sending {
            Sending::Running if self.waits_for_client() && is_due(self.total_due) => Fault::because(
                Reason::TimeoutClientBody,
                "the body was not there when the proxy's timeout was over",
            ),
            Sending::Running if self.waits_for_client() => Reason::TimeoutClientBody.into(),
            Sending::Running if !is_due(self.total_due) => Reason::TimeoutBodyIdle.into(),
            Sending::Sent if is_due(self.response_due) => Reason::TimeoutFirstByte.into(),
            _ => Reason::TimeoutTotal.into(),
        }
    }

    /// An interim response was passed on, under a deadline of its own: from now on the request's counts again.
    pub(crate) fn resume(&mut self, client: &Client, timeouts: &Timeouts) {
        match self.sending {
            Sending::Running => client.deadline.set(self.body_due(client, timeouts)),
            Sending::Sent => client.deadline.set(self.head_due()),
            Sending::Stopped => client.deadline.set(self.total_due),
        }
    }

    /// A body that stops moving is not waited for as long as the response may take.
    fn wait_for_body(&mut self, client: &Client, timeouts: &Timeouts) {
        if !self.is_answered && self.take_moved() {
            client.deadline.set(self.body_due(client, timeouts));
        }
    }

    fn body_due(&self, client: &Client, timeouts: &Timeouts) -> Option<Tick> {
        let idle = timeouts.body_idle.map(|idle| client.deadline.after(idle));
        earlier(idle, self.total_due)
    }

    fn sent(&mut self, client: &Client, timeouts: &Timeouts) {
        self.sending = Sending::Sent;
        self.response_due = timeouts.response_header.map(|wait| client.deadline.after(wait));
        if !self.is_answered {
            client.deadline.set(self.head_due());
        }
    }

    /// Without `response_header` the wait for the head is unlimited, and `total` bounds only what came before
    /// (contract D-6).
    fn head_due(&self) -> Option<Tick> {
        self.response_due.and_then(|due| earlier(Some(due), self.total_due))
    }
}

/// The earlier of two moments; without one of them, the other.
pub(crate) fn earlier(a: Option<Tick>, b: Option<Tick>) -> Option<Tick> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn body_of(body: RequestBody) -> Body {
    match body {
        RequestBody::Empty => Body::Done,
        RequestBody::Length(length) => Body::of_length(length),
        RequestBody::Chunked => Body::Chunked(ChunkedDecoder::new()),
    }
}
