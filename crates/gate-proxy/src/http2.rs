//! The exchange with an HTTP/2 upstream: the general path. The same transfers as over HTTP/1.1, with a stream's two halves in
//! the place of a connection.

use crate::attempts::{Attempts, Failed};
use crate::buffer::Buffer;
use crate::client::{Client, Trailers, Wire};
use crate::event_stream::{self, EventStream};
use crate::fault::Fault;
use crate::finish::Running;
use crate::pipeline::{Next, RequestFacts};
use crate::relay::{self, Silence};
use crate::request_transfer::RequestTransfer;
use crate::response_head::{self, ClientFraming};
use crate::transfer::{Body, Framing, Transfer};
use crate::upstream_answer::UpstreamAnswer;
use crate::upstream_head::UpstreamHead;
use bytes::{Buf, Bytes};
use gate_http::{RequestBody, Version};
use gate_snapshot::Timeouts;
use gate_telemetry::{Reason, Side};
use gate_upstream::StreamLease;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response as Http2Response, StatusCode, Uri};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// One stream of a shared connection.
pub(crate) struct Connection {
    /// Sends the request.
    pub(crate) sender: SendRequest<Bytes>,
    /// The stream's place on it.
    pub(crate) stream: StreamLease,
}

/// The exchange of one request and its response. Dropping it resets the stream, which cancels the request.
pub(crate) struct Exchange<'a> {
    client: &'a mut Client,
    facts: &'a RequestFacts,
    timeouts: &'a Timeouts,
    running: &'a Running,
    request: &'a mut RequestTransfer,
    upload: Upload,
    response: ResponseFuture,
    stream: StreamLease,
}

/// A response whose head is known.
pub(crate) struct Response {
    download: Transfer,
    body: Download,
    events: EventStream,
    /// What it says about the upstream.
    pub(crate) answer: UpstreamAnswer,
    closes: bool,
}

/// What a stream brings before the body.
enum Head {
    /// One that tells of progress (1xx).
    Interim(Http2Response<()>),
    /// The answer.
    Final(Http2Response<RecvStream>),
}

/// The sending half of a stream. Ending it is part of flushing it.
struct Upload {
    stream: SendStream<Bytes>,
    is_ended: bool,
}

/// The receiving half of a stream.
struct Download {
    stream: RecvStream,
    /// Received and not yet read.
    chunk: Bytes,
}

impl Response {
    /// Whether the client has seen anything of it.
    pub(crate) fn has_begun(&self) -> bool {
        self.download.has_begun()
    }

    /// Lets the stream of a response that was relayed whole come to its end. The end can follow a body of known length
    /// in a frame of its own; a stream dropped before that would be reset, for nothing.
    pub(crate) fn settle(self) {
        let mut stream = self.body.stream;
        if !stream.is_end_stream() {
            tokio::task::spawn_local(async move {
                let end = async { while let Some(Ok(_)) = stream.data().await {} };
                let _ = tokio::time::timeout(END_OF_STREAM_WAIT, end).await;
            });
        }
    }
}

impl<'a> Exchange<'a> {
    /// Opens the stream and sends the head. To be called as soon as the connection was leased: it takes a stream then, and not
    /// for long.
    ///
    /// # Errors
    /// The head cannot be sent over HTTP/2.
    pub(crate) fn begin(
        client: &'a mut Client,
        connection: Connection,
        head: Request<()>,
        request: &'a mut RequestTransfer,
        facts: &'a RequestFacts,
        timeouts: &'a Timeouts,
        running: &'a Running,
    ) -> Result<Self, Fault> {
        let Connection { mut sender, stream } = connection;
        let is_whole = !facts.has_body();
        let (response, upload) = sender.send_request(head, is_whole).map_err(lost)?;
        let upload = Upload { stream: upload, is_ended: is_whole };
        Ok(Exchange { client, facts, timeouts, running, request, upload, response, stream })
    }

    /// Sends the body and waits for the head of the final response; interim responses go straight to the client, except
    /// 100: a client that waits for permission to send its body gets it
    /// from us: the stream takes the body whenever the upstream reads it.
    pub(crate) async fn response_head(&mut self) -> Result<Response, Fault> {
        let may_wait = self.facts.expects_continue && self.facts.version == Version::Http11;
        if may_wait && self.request.take_permission() {
            self.say(response_head::compose_continue()).await?;
        }
        let head = self.final_head().await.inspect_err(|fault| self.ended_by(fault));
        let (head, stream) = head?.into_parts();
        self.stream.moved();
        let framing = ClientFraming::of_http2(head.status, &head.headers, stream.is_end_stream(), self.facts);
        let keep_alive = self.facts.keep_alive && !framing.closes() && !self.client.is_draining.get();
        let composed =
            response_head::compose_http2(head.status, &head.headers, self.facts, framing, keep_alive)?;
        let (body, to_client) = match framing {
            ClientFraming::Empty(_) => (Body::Done, Framing::Plain),
            ClientFraming::Length(length) => (Body::of_length(length), Framing::Plain),
            ClientFraming::Chunked => (Body::UntilClose, Framing::Chunked),
            ClientFraming::UntilClose => (Body::UntilClose, Framing::Plain),
        };
        let events = EventStream::of(
            || head.headers.get(http::header::CONTENT_TYPE).map(HeaderValue::as_bytes),
            || head.headers.contains_key(http::header::CONTENT_ENCODING),
        );
        let events = if matches!(body, Body::Done) { EventStream::default() } else { events };
        Ok(Response {
            events,
            download: Transfer::new(composed, body, to_client, false),
            body: Download { stream, chunk: Bytes::new() },
            answer: UpstreamAnswer::of_http2(head.status.as_u16(), &head.headers),
            closes: !keep_alive,
        })
    }

    /// Relays the body to its end.
    ///
    /// # Errors
    /// Once the client has seen the head ([`Response::has_begun`]), all that is left is to close its connection.
    pub(crate) async fn relay(&mut self, response: &mut Response) -> Result<Next, Fault> {
        let relayed = self.relay_body(response).await;
        relayed.inspect_err(|fault| self.ended_by(fault))
    }

    async fn relay_body(&mut self, response: &mut Response) -> Result<Next, Fault> {
        self.request.answered();
        let (running, mut input) = (self.running, None);
        relay::begin_events(response.events, &mut response.download, running);
        if let Some(limit) = response.events.first_event(self.timeouts) {
            self.client.deadline.set_after(Some(limit));
            poll_fn(|cx| self.poll_first_event(cx, response, &mut input)).await?;
        }
        running.settle_probe();
        let Response { download, body, events, closes, .. } = response;
        let mut silence = Silence::begin(self.client, self.timeouts, *events, download);
        poll_fn(|cx| {
            loop {
                let client = &mut self.client.socket;
                let moved = download.poll(cx, body, &mut input, client, || running.upstream_ended());
                if let Some(events) = download.events() {
                    running.events_came(events);
                }
                match moved {
                    Poll::Ready(outcome) => return Poll::Ready(outcome.map_err(relay::fault)),
                    Poll::Pending => {}
                }
                if let Poll::Ready(fault) = self.poll_request(cx) {
                    return Poll::Ready(Err(fault));
                }
                if download.moved {
                    self.stream.moved();
                }
                ready!(silence.poll(self.client, self.request, download))?;
            }
        })
        .await?;
        Ok(relay::next(self.request.is_sent(), *closes))
    }

    fn poll_first_event(
        &mut self,
        cx: &mut Context<'_>,
        response: &mut Response,
        input: &mut Option<Buffer>,
    ) -> Poll<Result<(), Fault>> {
        let arrived = event_stream::poll_first_byte(cx, &mut response.body, input, &response.download);
        if arrived.is_ready() {
            return arrived;
        }
        if let Poll::Ready(fault) = self.poll_request(cx) {
            return Poll::Ready(Err(fault));
        }
        event_stream::poll_first_event_due(self.client, self.request)
    }

    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        let was_running = self.request.is_running();
        let fault = self.request.poll(cx, self.client, &mut self.upload, self.timeouts);
        if was_running && !self.request.is_running() {
            self.running.sent();
            self.request.hold_little();
        }
        fault
    }

    /// How long to wait before another attempt takes the place of this one; `None` = this one is what the client gets.
    pub(crate) fn next_attempt(&self, attempts: &mut Attempts<'_>, failed: Failed) -> Option<Duration> {
        if !self.request.may_be_repeated(self.facts) {
            return None;
        }
        attempts.next(failed, self.client, self.facts, self.running)
    }

    async fn final_head(&mut self) -> Result<Http2Response<RecvStream>, Fault> {
        for _ in 0..=INTERIM_RESPONSES_MAX {
            match poll_fn(|cx| self.poll_head(cx)).await? {
                Head::Final(response) => return Ok(response),
                Head::Interim(response) => self.relay_interim(&response).await?,
            }
        }
        Err(Fault::because(Reason::UpstreamProtocol, "too many interim responses"))
    }

    async fn relay_interim(&mut self, response: &Http2Response<()>) -> Result<(), Fault> {
        // There is none in HTTP/2 (RFC 9113 §8.6).
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Fault::because(Reason::UpstreamProtocol, "switched protocols unasked"));
        }
        // An HTTP/1.0 client does not know them (RFC 9110 §15.2).
        if response.status() == StatusCode::CONTINUE || self.facts.version == Version::Http10 {
            return Ok(());
        }
        // The client is told something.
        self.request.forget();
        let interim = response_head::compose_http2_interim(response.status(), response.headers())?;
        self.say(interim).await
    }

    /// Says something before the answer.
    async fn say(&mut self, interim: Buffer) -> Result<(), Fault> {
        self.client.write_all(interim).await.map_err(|_| Reason::ClientClosed)?;
        self.request.resume(self.client, self.timeouts);
        Ok(())
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Fault>> {
        if let Poll::Ready(fault) = self.poll_request(cx) {
            return Poll::Ready(Err(fault));
        }
        if let Poll::Ready(Some(response)) = self.response.poll_informational(cx) {
            return Poll::Ready(response.map(Head::Interim).map_err(|error| self.lost(error)));
        }
        if let Poll::Ready(response) = Pin::new(&mut self.response).poll(cx) {
            return Poll::Ready(response.map(Head::Final).map_err(|error| self.lost(error)));
        }
        if self.client.deadline.is_due() {
            return Poll::Ready(Err(self.request.head_timeout(self.client)));
        }
        Poll::Pending
    }

    /// A connection over which nothing at all has come while this stream waited may be dead.
    fn ended_by(&self, fault: &Fault) {
        if fault.reason.is_timeout() && fault.reason.side() == Side::Upstream {
            self.stream.timed_out();
        }
    }

    /// The stream ended before the head.
    fn lost(&self, error: h2::Error) -> Fault {
        let was_stale = error.is_io() && self.running.is_reused.get() && self.facts.is_repeatable;
        let may_be_sent_again = self.request.is_kept() && self.facts.has_time(self.client);
        let stale_connection = may_be_sent_again && (was_stale || never_looked_at(&error));
        Fault { stale_connection, ..lost(error) }
    }
}

impl UpstreamHead<'_> {
    /// The head in HTTP/2 (RFC 9113 §8.3.1).
    ///
    /// # Errors
    /// What HTTP/1.1 allows in a field and HTTP/2 does not.
    pub(crate) fn to_http2(&self) -> Result<Request<()>, Fault> {
        let refused = |error: http::Error| Fault::because(Reason::BadRequest, error);
        let method = Method::from_bytes(self.method()).map_err(|error| refused(error.into()))?;
        let mut headers = HeaderMap::new();
        let mut invalid = None;
        self.for_each_field(|name, parts| {
            let field = HeaderName::from_bytes(name).map_err(http::Error::from).and_then(|name| {
                Ok((name, HeaderValue::from_bytes(&parts.concat()).map_err(http::Error::from)?))
            });
            match field {
                Ok((name, value)) => drop(headers.append(name, value)),
                Err(error) => invalid = Some(error),
            }
        });
        if let Some(error) = invalid {
            return Err(refused(error));
        }
        // The one thing a client asks of its server that an HTTP/2 upstream is not asked for: we answer it ourselves.
        headers.remove(http::header::EXPECT);
        if self.accepts_trailers() {
            headers.insert(http::header::TE, HeaderValue::from_static("trailers"));
        }
        if let RequestBody::Length(length) = self.body() {
            headers.insert(http::header::CONTENT_LENGTH, length.into());
        }
        let uri = Uri::builder()
            .scheme("https")
            .authority(self.authority())
            .path_and_query(self.target().concat())
            .build()
            .map_err(refused)?;
        let mut request = Request::new(());
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, headers);
        Ok(request)
    }
}

impl ClientFraming {
    /// How a body that arrives on a stream reaches this client.
    fn of_http2(status: StatusCode, headers: &HeaderMap, has_ended: bool, facts: &RequestFacts) -> Self {
        let length =
            headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        match length {
            _ if status == StatusCode::NO_CONTENT => ClientFraming::Empty(None),
            _ if facts.method == gate_http::Method::Head || status == StatusCode::NOT_MODIFIED => {
                ClientFraming::Empty(length)
            }
            Some(length) => ClientFraming::Length(length),
            None if has_ended => ClientFraming::Length(0),
            None if facts.version == Version::Http10 => ClientFraming::UntilClose,
            None => ClientFraming::Chunked,
        }
    }
}

impl Wire for Upload {
    fn poll_read(&mut self, _cx: &mut Context<'_>, _buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(0))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.reserve_capacity(bytes.len());
        // `poll_capacity` tells of a change: what is there already has to be asked for.
        while self.stream.capacity() == 0 {
            match ready!(self.stream.poll_capacity(cx)) {
                Some(capacity) => drop(capacity.map_err(io::Error::other)?),
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        }
        let count = self.stream.capacity().min(bytes.len());
        let chunk = Bytes::copy_from_slice(bytes.get(..count).unwrap_or_default());
        self.stream.send_data(chunk, false).map_err(io::Error::other)?;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_end(&mut self, _cx: &mut Context<'_>, trailers: &mut Option<Trailers>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.is_ended, true) {
            let ended = match trailers.take() {
                None => self.stream.send_data(Bytes::new(), true),
                Some(trailers) => self.stream.send_trailers(*trailers),
            };
            ended.map_err(io::Error::other)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl Wire for Download {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        while self.chunk.is_empty() {
            match ready!(self.stream.poll_data(cx)) {
                Some(chunk) => self.chunk = chunk.map_err(io::Error::other)?,
                None => return Poll::Ready(Ok(0)),
            }
        }
        let count = self.chunk.len().min(buffer.len());
        let room = buffer.get_mut(..count).unwrap_or_default();
        self.chunk.copy_to_slice(room);
        // The upstream may send as much again as has found its place on the way to the client.
        self.stream.flow_control().release_capacity(count).map_err(io::Error::other)?;
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, _cx: &mut Context<'_>, _bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_trailers(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<HeaderMap>>> {
        self.stream.poll_trailers(cx).map_err(io::Error::other)
    }
}

/// Whether the upstream says that it did nothing with the request: then any may be sent again (RFC 9113 §8.7). A stream
/// ends with a GOAWAY of the upstream only if it is beyond the last one that this names.
fn never_looked_at(error: &h2::Error) -> bool {
    error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
}

/// What the library ends of its own is what no upstream may send (RFC 9113 §8.1.1).
fn lost(error: h2::Error) -> Fault {
    let reason = if error.is_library() { Reason::UpstreamProtocol } else { Reason::UpstreamReset };
    Fault::because(reason, error)
}

/// An upstream that has sent a whole body has nothing left to wait for.
const END_OF_STREAM_WAIT: Duration = Duration::from_secs(1);
/// More than a server sends that uses them.
const INTERIM_RESPONSES_MAX: usize = 8;
