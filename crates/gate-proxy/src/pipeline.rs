//! The life of a request, top to bottom. Each step is a file of its own; this one shows the order and nothing else.

use crate::buffer::Buffer;
use crate::client::Client;
use crate::connect::{self, Leased};
use crate::deadline::Tick;
use crate::fault::Fault;
use crate::finish::Running;
use crate::http1::Exchange;
use crate::identify::identify;
use crate::read_head::ReadHead;
use crate::request_transfer::RequestTransfer;
use crate::route::{Routed, route};
use crate::upstream_head::UpstreamHead;
use crate::worker::Worker;
use crate::{allow, http2, preflight, refusal};
use gate_http::{FieldName, Method, RequestBody, RequestHead, Version};
use gate_telemetry::Reason;
use gate_upstream::{Lease, UpstreamStream};
use std::net::SocketAddr;
use std::rc::Rc;

/// What has to be known of a request after its head has left the buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestFacts {
    /// The method.
    pub(crate) method: Method,
    /// The version the client speaks.
    pub(crate) version: Version,
    /// How the body is framed.
    pub(crate) body: RequestBody,
    /// The client wants to keep its connection, and so do we.
    pub(crate) keep_alive: bool,
    /// It waits for permission to send its body.
    pub(crate) expects_continue: bool,
    /// It came with an `Origin`: a browser has to be told who may read the answer.
    pub(crate) is_cross_origin: bool,
    /// When the proxy's `timeout` is over.
    pub(crate) total_due: Option<Tick>,
    /// How many bytes at the front of the client's input are still the head.
    pub(crate) head_length: usize,
}

/// What becomes of the client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It carries another request.
    KeepAlive,
    /// It is closed.
    Close,
    /// It is closed once the client has stopped sending, so that it gets to read the answer (RFC 9112 §9.6).
    Linger,
    /// It is reset: closing would look like the end of the body.
    Reset,
}

/// How far the answer had come when something went wrong.
enum Failure {
    /// Nothing was said to the client: it can be told what went wrong.
    BeforeHead(Fault),
    /// The head had left: all that is left is not to end the body as if it were complete.
    InBody(Fault),
}

/// Answers one request, whatever happens, and accounts for it exactly once.
///
/// `line` says what is asked for, for the log; its memory comes back for the next one.
pub(crate) async fn answer(
    worker: &Rc<Worker>,
    client: &mut Client,
    request: ReadHead,
    line: Vec<u8>,
) -> (Next, Vec<u8>) {
    let mut facts = RequestFacts::of(&request, worker);
    let mut running = Running::begin(worker, line);
    let outcome = carry(worker, client, request, &mut facts, &mut running).await;
    match outcome.map_err(|failure| failure.at_the_end_of(worker)) {
        Ok(next) => (next, running.finish(Ok(()))),
        Err(Failure::InBody(fault)) => (facts.next_after_truncation(), running.finish(Err(&fault))),
        Err(Failure::BeforeHead(fault)) if fault.reason == Reason::ClientClosed => {
            (Next::Close, running.finish(Err(&fault)))
        }
        Err(Failure::BeforeHead(fault)) => {
            let next = refuse(client, &facts, fault.reason, &running.id()).await;
            (next, running.finish(Err(&fault)))
        }
    }
}

/// The steps; what one returns is what the next one takes.
async fn carry(
    worker: &Rc<Worker>,
    client: &mut Client,
    ReadHead { head, .. }: ReadHead,
    facts: &mut RequestFacts,
    running: &mut Running,
) -> Result<Next, Failure> {
    let routed = route(worker, &head, client.bytes())?;
    running.routed(&routed.proxy);
    facts.total_due = Some(client.deadline.after(routed.proxy.timeouts.total));
    client.deadline.set(facts.total_due);
    worker.condition.check(&routed)?;

    if let Some(answer) = worker.condition.answer(&head, client.bytes(), &routed, facts) {
        return Ok(say(client, facts, answer).await);
    }
    if let Some(answer) = preflight::answer(&head, client.bytes(), &routed, facts) {
        return Ok(say(client, facts, answer).await);
    }
    let caller = identify(worker, client, &head, &routed).await?;
    allow::allow(&head, client.bytes(), &routed, &caller)?;
    allow::refuse_websocket(&head, client.bytes())?;
    UpstreamHead::check(worker, &head, client.bytes(), &routed, &caller)?;

    let leased = match connect::pooled(worker, &routed.proxy) {
        Some(leased) => leased,
        None => connect::dial(worker, client, &routed.proxy).await?,
    };
    match leased {
        Leased { lease: Lease::Http1 { stream, address }, is_reused } => {
            let forward_proxy = worker.dialer.absolute_form_proxy(&routed.proxy.upstream.id);
            let upstream_head =
                UpstreamHead::new(worker, client, &head, &routed, &caller).to_http1(forward_proxy)?;
            let mut request = RequestTransfer::new(upstream_head, facts, &routed.proxy, is_reused);
            facts.consume_head(client);
            drop(head);
            exchange(worker, client, (stream, address, is_reused), &mut request, facts, &routed).await
        }
        Leased { lease: Lease::Http2 { sender, stream }, .. } => {
            let upstream_head = UpstreamHead::new(worker, client, &head, &routed, &caller).to_http2()?;
            facts.consume_head(client);
            drop(head);
            // Boxed: the general path's state is larger than the hot path's.
            Box::pin(exchange_http2(
                client,
                http2::Connection { sender, stream },
                upstream_head,
                facts,
                &routed,
            ))
            .await
        }
    }
}

/// One exchange with an HTTP/1.1 upstream; a second one if the pooled connection turns out to have been closed.
async fn exchange(
    worker: &Rc<Worker>,
    client: &mut Client,
    connection: (UpstreamStream, Option<SocketAddr>, bool),
    request: &mut RequestTransfer,
    facts: &RequestFacts,
    routed: &Routed,
) -> Result<Next, Failure> {
    let (mut stream, mut address, mut is_reused) = connection;
    let timeouts = &routed.proxy.timeouts;
    loop {
        let mut exchange = Exchange::new(client, stream, request, facts, timeouts, is_reused);
        match exchange.response_head().await {
            Ok(mut response) => {
                let outcome = exchange.relay(&mut response).await;
                let ended = outcome.map_err(|fault| Failure::of_relay(fault, response.has_begun()))?;
                if let Some(stream) = ended.reusable {
                    let expires = worker.deadlines.instant() + timeouts.pool_idle;
                    worker.pool.borrow_mut().put(&routed.proxy.upstream.id, stream, address, expires);
                }
                return Ok(ended.next);
            }
            Err(fault) if fault.stale_connection => {
                drop(exchange);
                request.rewind();
                let fresh = connect::dial(worker, client, &routed.proxy).await?;
                let Lease::Http1 { stream: fresh, address: there } = fresh.lease else {
                    return Err(Failure::BeforeHead(fault));
                };
                (stream, address, is_reused) = (fresh, there, false);
            }
            Err(fault) => return Err(Failure::BeforeHead(fault)),
        }
    }
}

/// One exchange over a stream of an HTTP/2 connection.
async fn exchange_http2(
    client: &mut Client,
    connection: http2::Connection,
    head: http::Request<()>,
    facts: &RequestFacts,
    routed: &Routed,
) -> Result<Next, Failure> {
    let mut exchange = http2::Exchange::begin(client, connection, head, facts, &routed.proxy).await?;
    let mut response = exchange.response_head().await?;
    match exchange.relay(&mut response).await {
        Ok(next) => {
            response.settle();
            Ok(next)
        }
        Err(fault) => Err(Failure::of_relay(fault, response.has_begun())),
    }
}

/// Tells the client why its request was refused.
pub(crate) async fn refuse(
    client: &mut Client,
    facts: &RequestFacts,
    reason: Reason,
    request_id: &str,
) -> Next {
    // What follows a tunnel that was refused is meant for its other end, and what follows an ambiguous request is no clearer.
    let ends = matches!(reason, Reason::BadRequest | Reason::MethodNotAllowed);
    let keep_alive = facts.keep_alive && !ends && !client.is_draining.get();
    let facts = RequestFacts { keep_alive, ..*facts };
    let answer = refusal::refuse(reason, request_id, &facts);
    say(client, &facts, answer).await
}

/// Says something of our own, after which the next request can follow if this one had no body that stands in the way.
async fn say(client: &mut Client, facts: &RequestFacts, answer: Buffer) -> Next {
    client.consume(facts.head_length);
    if client.write_all(answer).await.is_err() {
        return Next::Close;
    }
    // Otherwise more may be on its way, be it the body we were told of or not.
    if facts.stays_when_refused() { Next::KeepAlive } else { Next::Linger }
}

impl RequestFacts {
    fn of(request: &ReadHead, worker: &Worker) -> Self {
        let head: &RequestHead = &request.head;
        RequestFacts {
            method: head.method(),
            version: head.version(),
            body: head.body(),
            keep_alive: head.keep_alive() && !worker.is_draining.get(),
            expects_continue: head.expects_continue(),
            is_cross_origin: head.field(FieldName::Origin).is_some(),
            total_due: None,
            head_length: request.length,
        }
    }

    /// The facts of a request that could not be read.
    pub(crate) fn unknown() -> Self {
        RequestFacts {
            method: Method::Other,
            version: Version::Http11,
            // Whatever follows cannot be told from a body.
            body: RequestBody::Chunked,
            keep_alive: false,
            expects_continue: false,
            is_cross_origin: false,
            total_due: None,
            head_length: 0,
        }
    }

    /// Whether a request with this method may be sent twice (RFC 9110 §9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(self.method, Method::Get | Method::Head | Method::Options | Method::Put | Method::Delete)
    }

    /// Whether a body follows the head.
    pub(crate) fn has_body(&self) -> bool {
        !matches!(self.body, RequestBody::Empty | RequestBody::Length(0))
    }

    /// Whether the connection stays when this request is refused.
    pub(crate) fn stays_when_refused(&self) -> bool {
        self.keep_alive && !self.has_body()
    }

    fn consume_head(&mut self, client: &mut Client) {
        client.consume(std::mem::take(&mut self.head_length));
    }

    /// A body that ends with the connection would look complete if the connection ended in the usual way.
    fn next_after_truncation(&self) -> Next {
        if self.version == Version::Http10 { Next::Reset } else { Next::Close }
    }
}

impl Failure {
    /// A response that could not be relayed: until something of it has left, the client can still be told.
    fn of_relay(fault: Fault, has_begun: bool) -> Self {
        if has_begun { Failure::InBody(fault) } else { Failure::BeforeHead(fault) }
    }

    /// What ran out is the time of the worker, if that is over.
    fn at_the_end_of(mut self, worker: &Worker) -> Self {
        let (Failure::BeforeHead(fault) | Failure::InBody(fault)) = &mut self;
        if worker.deadlines.is_over() && fault.reason.is_timeout() {
            fault.reason = Reason::DrainTimeout;
        }
        self
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::BeforeHead(fault)
    }
}
