//! The exchange with an HTTP/1.1 upstream: request out, head back, then both directions until the response ends.

use crate::attempts::{Attempts, Failed};
use crate::buffer::Buffer;
use crate::client::{Client, poll_fill};
use crate::event_stream::{self, EventStream};
use crate::fault::Fault;
use crate::finish::Running;
use crate::pipeline::{Next, RequestFacts};
use crate::recycled::Recycled;
use crate::relay::{self, Silence};
use crate::request_transfer::RequestTransfer;
use crate::response_head::{self, ClientFraming};
use crate::transfer::{Body, Framing, Transfer};
use crate::upstream_answer::UpstreamAnswer;
use gate_http::{ChunkedDecoder, FieldName, Progress, ResponseBody, ResponseHead, Version};
use gate_snapshot::Timeouts;
use gate_telemetry::Reason;
use gate_upstream::UpstreamStream;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The exchange of one request and its response over one upstream connection.
///
/// ```text
///             head and body leave          final head read            body relayed
///  new ──────────────────────────▶ waiting ───────────────▶ relaying ───────────────▶ ended
///                                    │  ▲ 1xx relayed                                  │
///                                    └──┘                              connection reusable, or not
/// ```
/// The request's body may still be on its way in all of these states; a response that ends before it stops it.
///
/// The connection of an exchange that has not ended must not be used again: dropping it closes it, which is how a client that
/// leaves cancels its request.
pub(crate) struct Exchange<'a> {
    client: &'a mut Client,
    upstream: &'a mut UpstreamStream,
    request: &'a mut RequestTransfer,
    facts: &'a RequestFacts,
    timeouts: &'a Timeouts,
    running: &'a Running,
    /// Read from the upstream and not yet used.
    input: Option<Buffer>,
}

/// A response whose head is known.
pub(crate) struct Response {
    download: Transfer,
    /// What is asked of it if it is an event stream.
    events: EventStream,
    /// What it says about the upstream.
    pub(crate) answer: UpstreamAnswer,
    /// The client has been told that its connection ends with this response.
    closes: bool,
    /// The upstream has not said so of its own.
    upstream_stays: bool,
}

/// What remains after a response has been relayed whole.
pub(crate) struct Ended {
    /// The upstream's connection can serve another request.
    pub(crate) leaves_connection: bool,
    /// What becomes of the client's.
    pub(crate) next: Next,
}

impl Response {
    /// Whether the client has seen anything of it.
    pub(crate) fn has_begun(&self) -> bool {
        self.download.has_begun()
    }
}

impl<'a> Exchange<'a> {
    /// An exchange over a connection that is ours alone.
    pub(crate) fn new(
        client: &'a mut Client,
        upstream: &'a mut UpstreamStream,
        request: &'a mut RequestTransfer,
        facts: &'a RequestFacts,
        timeouts: &'a Timeouts,
        running: &'a Running,
    ) -> Self {
        Exchange { client, upstream, request, facts, timeouts, running, input: None }
    }

    /// Sends the request and waits for the head of the final response; interim responses go straight to the client.
    ///
    /// # Errors
    /// Nothing has been said to the client yet, but for interim responses.
    pub(crate) async fn response_head(&mut self) -> Result<Response, Fault> {
        let mut head = None;
        for _ in 0..=INTERIM_RESPONSES_MAX {
            let (parsed, length) = poll_fn(|cx| self.poll_head(cx, &mut head)).await?;
            if parsed.status() >= 200 {
                return self.begin_relay(&parsed, length);
            }
            // The client has been told something.
            self.request.forget();
            // Boxed: rare, and larger than all that waits for the answer.
            Box::pin(self.relay_interim(&parsed, length)).await?;
        }
        Err(Fault::because(Reason::UpstreamProtocol, "too many interim responses"))
    }

    /// Relays the body to its end.
    ///
    /// # Errors
    /// Once the client has seen the head ([`Response::has_begun`]), all that is left is to close its connection, so that it
    /// can tell (RFC 9112 §8).
    pub(crate) async fn relay(&mut self, response: &mut Response) -> Result<Ended, Fault> {
        self.request.answered();
        relay::begin_events(response.events, &mut response.download, self.running);
        if let Some(limit) = response.events.first_event(self.timeouts) {
            self.client.deadline.set_after(Some(limit));
            poll_fn(|cx| self.poll_first_event(cx, &response.download)).await?;
        }
        self.running.settle_probe();
        let mut silence = Silence::begin(self.client, self.timeouts, response.events, &mut response.download);
        poll_fn(|cx| self.poll_relay(cx, response, &mut silence)).await?;
        let is_sent = self.request.is_sent();
        let is_read = self.input.is_none();
        Ok(Ended {
            leaves_connection: response.upstream_stays && is_sent && is_read,
            next: relay::next(is_sent, response.closes),
        })
    }

    /// How long to wait before another attempt takes the place of this one; `None` = this one is what the client gets.
    pub(crate) fn next_attempt(&self, attempts: &mut Attempts<'_>, failed: Failed) -> Option<Duration> {
        if !self.request.may_be_repeated(self.facts) {
            return None;
        }
        attempts.next(failed, self.client, self.facts, self.running)
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        started: &mut Option<Recycled<ResponseHead>>,
    ) -> Poll<Result<(Recycled<ResponseHead>, usize), Fault>> {
        let was_running = self.request.is_running();
        if was_running && let Poll::Ready(fault) = self.poll_request(cx) {
            return Poll::Ready(Err(fault));
        }
        loop {
            if let Some(input) = &self.input {
                let mut head = started.take().unwrap_or_else(Recycled::take);
                match head.parse(input.filled(), self.facts.method) {
                    Ok(Progress::Complete { length }) => return Poll::Ready(Ok((head, length))),
                    Ok(Progress::Partial) => *started = Some(head),
                    Err(error) => return Poll::Ready(Err(Fault::because(Reason::UpstreamProtocol, error))),
                }
            }
            match poll_fill(cx, self.upstream, &mut self.input) {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(self.lost(io::ErrorKind::UnexpectedEof.into())));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.lost(error))),
                Poll::Pending => break,
            }
        }
        // Once the request is out, what woke us is nearly always the answer: the client is looked at only without one.
        if !was_running && let Poll::Ready(fault) = self.poll_request(cx) {
            return Poll::Ready(Err(fault));
        }
        if self.client.deadline.is_due() {
            return Poll::Ready(Err(self.request.head_timeout(self.client)));
        }
        Poll::Pending
    }

    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        let was_running = self.request.is_running();
        let fault = self.request.poll(cx, self.client, self.upstream, self.timeouts);
        if was_running && !self.request.is_running() {
            self.running.sent();
        }
        fault
    }

    /// The connection ended before the head was complete.
    fn lost(&self, error: io::Error) -> Fault {
        let nothing_came = self.input.is_none();
        let stale_connection = self.running.is_reused.get()
            && nothing_came
            && self.request.may_be_repeated(self.facts)
            && self.facts.has_time(self.client);
        Fault { stale_connection, ..Fault::because(Reason::UpstreamReset, error) }
    }

    async fn relay_interim(&mut self, head: &ResponseHead, length: usize) -> Result<(), Fault> {
        if head.status() == 101 {
            return Err(Fault::because(Reason::UpstreamProtocol, "switched protocols unasked"));
        }
        let bytes = self.input.as_ref().map(Buffer::filled).unwrap_or_default();
        // An HTTP/1.0 client does not know interim responses (RFC 9110 §15.2).
        if self.facts.version == Version::Http11 {
            let interim = response_head::compose_interim(head, bytes)?;
            self.client.write_all(interim).await.map_err(|_| Reason::ClientClosed)?;
            self.request.resume(self.client, self.timeouts);
        }
        self.consume(length);
        Ok(())
    }

    fn begin_relay(&mut self, head: &ResponseHead, length: usize) -> Result<Response, Fault> {
        let framing = ClientFraming::of(head, self.facts.version);
        let keep_alive = self.facts.keep_alive && !framing.closes() && !self.client.is_draining.get();
        let bytes = self.input.as_ref().map(Buffer::filled).unwrap_or_default();
        let composed = response_head::compose(head, bytes, self.facts, framing, keep_alive)?;
        let events = EventStream::of(
            || Some(head.field(FieldName::ContentType)?.value.of(bytes)),
            || head.fields().iter().any(|line| line.name.of(bytes).eq_ignore_ascii_case(b"content-encoding")),
        );
        let answer = UpstreamAnswer::of(head, bytes);
        self.consume(length);
        let body = match head.body() {
            ResponseBody::Empty => Body::Done,
            ResponseBody::Length(length) => Body::of_length(length),
            ResponseBody::Chunked => Body::Chunked(ChunkedDecoder::new()),
            ResponseBody::UntilClose => Body::UntilClose,
        };
        let to_client = if framing == ClientFraming::Chunked { Framing::Chunked } else { Framing::Plain };
        let events = if matches!(body, Body::Done) { EventStream::default() } else { events };
        Ok(Response {
            events,
            download: Transfer::new(composed, body, to_client, false),
            answer,
            closes: !keep_alive,
            upstream_stays: head.keep_alive() && head.body() != ResponseBody::UntilClose,
        })
    }

    fn consume(&mut self, count: usize) {
        if let Some(input) = &mut self.input {
            input.consume(count);
        }
        crate::client::release_if_empty(&mut self.input);
    }

    fn poll_first_event(&mut self, cx: &mut Context<'_>, download: &Transfer) -> Poll<Result<(), Fault>> {
        let arrived = event_stream::poll_first_byte(cx, self.upstream, &mut self.input, download);
        if arrived.is_ready() {
            return arrived;
        }
        if let Poll::Ready(fault) = self.poll_request(cx) {
            return Poll::Ready(Err(fault));
        }
        event_stream::poll_first_event_due(self.client, self.request)
    }

    fn poll_relay(
        &mut self,
        cx: &mut Context<'_>,
        response: &mut Response,
        silence: &mut Silence,
    ) -> Poll<Result<(), Fault>> {
        let (download, running) = (&mut response.download, self.running);
        loop {
            let client = &mut self.client.socket;
            let moved =
                download.poll(cx, self.upstream, &mut self.input, client, || running.upstream_ended());
            if let Some(events) = download.events() {
                running.events_came(events);
            }
            match moved {
                Poll::Ready(outcome) => return Poll::Ready(outcome.map_err(relay::fault)),
                Poll::Pending => {}
            }
            // A client that stays silent is not looked at; one that leaves ends the relay.
            if let Poll::Ready(fault) = self.poll_request(cx) {
                return Poll::Ready(Err(fault));
            }
            ready!(silence.poll(self.client, self.request, download))?;
        }
    }
}

/// More than a server sends that uses them (100, 102 or 103 once or twice each).
const INTERIM_RESPONSES_MAX: usize = 8;
