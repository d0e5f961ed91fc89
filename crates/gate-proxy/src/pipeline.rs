//! The life of a request, top to bottom. Each step is a file of its own; this one shows the order and nothing else.

use crate::admit::admit;
use crate::attempts::{Attempts, Failed, pause};
use crate::client::Client;
use crate::connect::{self, Leased};
use crate::deadline::Tick;
use crate::fault::Fault;
use crate::finish::Running;
use crate::forwarded::client_address;
use crate::http1::{Ended, Exchange};
use crate::identify::identify;
use crate::read_head::ReadHead;
use crate::recycled::Recycled;
use crate::refusal::Answer;
use crate::request_transfer::RequestTransfer;
use crate::route::{ProxyRef, Routed, route};
use crate::told::Told;
use crate::upstream_head::{UpstreamHead, kept_body};
use crate::worker::Worker;
use crate::{allow, http2, preflight, refusal, trace};
use gate_http::{FieldName, Method, RequestBody, RequestHead, Version};
use gate_snapshot::{Proxy, Timeouts};
use gate_telemetry::trace::Placement;
use gate_telemetry::{Reason, RequestId};
use gate_upstream::Lease;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// What has to be known of a request after its head has left the buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestFacts {
    /// What it is called.
    pub(crate) id: RequestId,
    /// Where it stands in its trace, if it is traced.
    pub(crate) placement: Option<Placement>,
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
    /// It came with an `Origin`: a browser has to be told who may read an answer of ours.
    pub(crate) is_cross_origin: bool,
    /// Nor does an upstream say who may read its own, when it leaves preflights to us (contract D-22): everybody, unless it
    /// says otherwise.
    pub(crate) grants_origin: bool,
    /// When the proxy's `timeout` is over.
    pub(crate) total_due: Option<Tick>,
    /// How many bytes at the front of the client's input are still the head.
    pub(crate) head_length: usize,
    /// Whether it may be sent twice.
    pub(crate) is_repeatable: bool,
    /// What limits have to say about it.
    pub(crate) told: Told,
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
#[expect(clippy::manual_async_fn, reason = "the state of an async fn holds its arguments twice")]
pub(crate) fn answer(
    worker: &Rc<Worker>,
    client: &mut Client,
    request: ReadHead,
) -> impl Future<Output = Next> {
    async move {
        let mut facts = RequestFacts::of(&request, client, worker);
        let describe = |line: &mut Vec<u8>| describe(worker, &request, client.bytes(), line);
        let running = Running::begin(worker, client, facts.id, describe);
        running.placement.set(facts.placement);
        if worker.trusts(client.address) {
            let trusts = |address| worker.trusts(address);
            running.client.set(client_address(&request.head, client.bytes(), client.address, trusts));
        }
        let outcome = carry(worker, client, request.head, &mut facts, &running).await;
        if running.is_ended.get() {
            // For the answer, and for the next request.
            client.deadline.restore();
        }
        let (next, fault) = match outcome.map_err(|failure| failure.at_the_end_of(worker, &running)) {
            Ok(next) => (next, None),
            Err(Failure::InBody(fault)) => (facts.next_after_truncation(), Some(fault)),
            Err(Failure::BeforeHead(fault)) => {
                running.status.set(fault.reason.status());
                // Before the client hears of it: its next request may come at once, to another worker.
                running.settle(Err(&fault));
                let next = if fault.reason == Reason::ClientClosed {
                    Next::Close
                } else {
                    refuse(client, &facts, fault.reason).await
                };
                (next, Some(fault))
            }
        };
        running.finish(client, fault.as_ref().map_or(Ok(()), Err));
        next
    }
}

/// What is asked for. What may be a key in the query is masked, and without an access log there is no query at all (H28).
fn describe(worker: &Worker, ReadHead { head, .. }: &ReadHead, bytes: &[u8], line: &mut Vec<u8>) {
    line.extend_from_slice(head.method_span().of(bytes));
    line.push(b' ');
    line.extend_from_slice(head.path().of(bytes));
    if worker.access_log.is_on() {
        worker.access_log.mask_target(head.query().of(bytes), line);
    }
}

/// The steps; what one returns is what the next one takes.
#[expect(clippy::manual_async_fn, reason = "the state of an async fn holds its arguments twice")]
fn carry(
    worker: &Rc<Worker>,
    client: &mut Client,
    head: Recycled<RequestHead>,
    facts: &mut RequestFacts,
    running: &Running,
) -> impl Future<Output = Result<Next, Failure>> {
    async move {
        let routed = route(worker, client.scope, &head, client.bytes())?;
        running.routed(&routed.proxy);
        facts.begin(client, &routed.proxy.timeouts);
        facts.grants_origin = facts.is_cross_origin && !routed.proxy.forward_preflight;
        worker.condition.check(&head, client.bytes(), &routed)?;

        if let Some(answer) = worker.condition.answer(&head, client.bytes(), &routed, facts) {
            return Ok(say(client, facts, answer, running).await);
        }
        if let Some(answer) = preflight::answer(&head, client.bytes(), &routed, facts) {
            return Ok(say(client, facts, answer, running).await);
        }
        let caller = identify(worker, client, &head, &routed).await?;
        running.caller.replace(caller.clone());
        allow::allow(&head, client.bytes(), &routed, &caller)?;
        allow::refuse_websocket(&head, client.bytes())?;
        UpstreamHead::check(worker, &head, client.bytes(), &routed, &caller)?;

        admit(worker, client, &routed, &caller, facts, running).await?;

        let mut attempts = Attempts::new(worker, &routed.proxy);
        facts.allow_repetition(&routed.proxy, &head, client.bytes());
        let mut leased =
            Some(connect::connect(worker, client, &routed.proxy, facts, &mut attempts, running).await?);
        match leased {
            Some(Leased { lease: Lease::Http2 { sender, stream, address }, is_reused }) => {
                let upstream_head =
                    UpstreamHead::new(worker, client, &head, &routed, &caller, facts).to_http2()?;
                facts.consume_head(client);
                drop(head);
                // Boxed: the general path's state is larger than the hot path's.
                let connection = (http2::Connection { sender, stream }, address, is_reused);
                Box::pin(exchange_http2(
                    worker,
                    client,
                    connection,
                    upstream_head,
                    facts,
                    &routed,
                    &mut attempts,
                    running,
                ))
                .await
            }
            _ => {
                let keeps_body = attempts.may_follow() && facts.is_repeatable;
                let forward_proxy = worker.dialer.absolute_form_proxy(&routed.proxy.upstream.id);
                let upstream_head = UpstreamHead::new(worker, client, &head, &routed, &caller, facts)
                    .to_http1(forward_proxy, keeps_body)?;
                let is_reused = leased.as_ref().is_some_and(|leased| leased.is_reused);
                let keep = is_reused || attempts.may_follow();
                let mut request = RequestTransfer::new(upstream_head, facts, &routed.proxy, keep);
                facts.consume_head(client);
                drop(head);
                let ended = exchange(
                    worker,
                    client,
                    &mut leased,
                    &mut request,
                    facts,
                    &routed,
                    &mut attempts,
                    running,
                )
                .await?;
                if ended.leaves_connection
                    && let Some(Leased { lease: Lease::Http1 { stream, address }, .. }) = leased
                {
                    let expires = worker.deadlines.instant() + routed.proxy.timeouts.pool_idle;
                    worker.pool.borrow_mut().put(&routed.proxy.upstream.id, stream, address, expires);
                }
                Ok(ended.next)
            }
        }
    }
}

/// Exchanges with HTTP/1.1 upstream connections until one of them has what the client gets. A pooled connection that turns out
/// to have been closed is no attempt.
#[expect(clippy::too_many_arguments, reason = "the steps of a request share its state")]
#[expect(clippy::manual_async_fn, reason = "the state of an async fn holds its arguments twice")]
fn exchange(
    worker: &Rc<Worker>,
    client: &mut Client,
    leased: &mut Option<Leased>,
    request: &mut RequestTransfer,
    facts: &RequestFacts,
    routed: &Routed,
    attempts: &mut Attempts<'_>,
    running: &Running,
) -> impl Future<Output = Result<Ended, Failure>> {
    async move {
        loop {
            let Some(Leased { lease: Lease::Http1 { stream, address }, is_reused }) = leased else {
                return Err(Fault::because(
                    Reason::UpstreamReset,
                    "the upstream now speaks another protocol",
                )
                .into());
            };
            running.sending(*address, *is_reused, facts.has_body());
            let mut exchange = Exchange::new(client, stream, request, facts, &routed.proxy.timeouts, running);
            let mut answer = exchange.response_head().await;
            let next = if answer.as_ref().is_err_and(|fault| fault.stale_connection) {
                drop(exchange);
                // Closed: nothing is to come of it, and the next one may be waited for.
                *leased = None;
                running.was_no_attempt();
                client.deadline.set(facts.total_due);
                Box::pin(connect::open(worker, client, &routed.proxy, facts, attempts, running)).await?
            } else if let Some(wait) = Failed::of(&answer, |response| response.answer)
                .and_then(|failed| exchange.next_attempt(attempts, failed))
            {
                drop((exchange, answer));
                *leased = None;
                Box::pin(again(worker, client, &routed.proxy, facts, attempts, running, wait)).await?
            } else {
                let response = answer.as_mut().map_err(Fault::take)?;
                running.answered(response.answer);
                let outcome = exchange.relay(response).await;
                return outcome.map_err(|fault| Failure::of_relay(fault, response.has_begun()));
            };
            *leased = Some(next);
            request.rewind();
        }
    }
}

/// The same over streams of HTTP/2 connections. One that the upstream never looked at is no attempt either.
#[expect(clippy::too_many_arguments, reason = "the steps of a request share its state")]
async fn exchange_http2(
    worker: &Rc<Worker>,
    client: &mut Client,
    connection: (http2::Connection, Option<SocketAddr>, bool),
    mut head: http::Request<()>,
    facts: &RequestFacts,
    routed: &Routed,
    attempts: &mut Attempts<'_>,
    running: &Running,
) -> Result<Next, Failure> {
    let proxy = &routed.proxy;
    let (mut connection, mut address, mut is_reused) = connection;
    let keeps_body = attempts.may_follow() && facts.is_repeatable && facts.has_body();
    let kept = if keeps_body { kept_body(facts.body) } else { None };
    let mut request = RequestTransfer::of_body(facts, proxy, kept);
    // An upstream may refuse for ever.
    let mut may_be_stale = true;
    loop {
        let may_follow = attempts.may_follow() && facts.is_repeatable;
        let is_kept = may_be_stale || may_follow;
        let sent = if is_kept { head.clone() } else { std::mem::take(&mut head) };
        running.sending(address, is_reused, facts.has_body());
        let mut exchange =
            http2::Exchange::begin(client, connection, sent, &mut request, facts, &proxy.timeouts, running)?;
        let mut answer = exchange.response_head().await;
        let leased = if may_be_stale && answer.as_ref().is_err_and(|fault| fault.stale_connection) {
            drop((exchange, answer));
            may_be_stale = false;
            running.was_no_attempt();
            client.deadline.set(facts.total_due);
            connect::open(worker, client, proxy, facts, attempts, running).await?
        } else if let Some(wait) = Failed::of(&answer, |response| response.answer)
            .filter(|_| may_follow)
            .and_then(|failed| exchange.next_attempt(attempts, failed))
        {
            drop((exchange, answer));
            again(worker, client, proxy, facts, attempts, running, wait).await?
        } else {
            let response = answer.as_mut().map_err(Fault::take)?;
            running.answered(response.answer);
            let outcome = exchange.relay(response).await;
            let next = outcome.map_err(|fault| Failure::of_relay(fault, response.has_begun()))?;
            if let Ok(response) = answer {
                response.settle();
            }
            return Ok(next);
        };
        let Lease::Http2 { sender, stream, address: there } = leased.lease else {
            return Err(
                Fault::because(Reason::UpstreamReset, "the upstream now speaks another protocol").into()
            );
        };
        request.rewind();
        (connection, address, is_reused) = (http2::Connection { sender, stream }, there, leased.is_reused);
    }
}

/// Waits for the next attempt, and for its connection.
async fn again(
    worker: &Rc<Worker>,
    client: &mut Client,
    proxy: &ProxyRef,
    facts: &RequestFacts,
    attempts: &mut Attempts<'_>,
    running: &Running,
    wait: Duration,
) -> Result<Leased, Fault> {
    pause(client, facts, running, wait).await?;
    connect::connect(worker, client, proxy, facts, attempts, running).await
}

/// Tells the client why its request was refused.
pub(crate) async fn refuse(client: &mut Client, facts: &RequestFacts, reason: Reason) -> Next {
    // What follows a tunnel that was refused is meant for its other end, and what follows an ambiguous request is no clearer.
    let ends = matches!(reason, Reason::BadRequest | Reason::MethodNotAllowed);
    let keep_alive = facts.keep_alive && !ends && !client.is_draining.get();
    let facts = RequestFacts { keep_alive, ..*facts };
    let answer = refusal::refuse(reason, &facts);
    write(client, &facts, answer).await
}

/// Says something of our own.
async fn say(client: &mut Client, facts: &RequestFacts, answer: Answer, running: &Running) -> Next {
    running.status.set(answer.status);
    write(client, facts, answer).await
}

/// Writes an answer of our own, after which the next request can follow if this one had no body that stands in the way.
async fn write(client: &mut Client, facts: &RequestFacts, answer: Answer) -> Next {
    client.consume(facts.head_length);
    if client.write_all(answer.bytes).await.is_err() {
        return Next::Close;
    }
    // Otherwise more may be on its way, be it the body we were told of or not.
    if facts.stays_when_refused() { Next::KeepAlive } else { Next::Linger }
}

impl RequestFacts {
    fn of(request: &ReadHead, client: &Client, worker: &Worker) -> Self {
        let head: &RequestHead = &request.head;
        RequestFacts {
            id: request_id(head, client, worker),
            placement: trace::place(worker, head, client.bytes()),
            method: head.method(),
            version: head.version(),
            body: head.body(),
            keep_alive: head.keep_alive() && !worker.is_draining.get(),
            expects_continue: head.expects_continue(),
            is_cross_origin: head.field(FieldName::Origin).is_some(),
            grants_origin: false,
            total_due: None,
            head_length: request.length,
            is_repeatable: is_idempotent(head.method()),
            told: Told::default(),
        }
    }

    /// The time to the response head begins.
    pub(crate) fn begin(&mut self, client: &Client, timeouts: &Timeouts) {
        self.total_due = Some(client.deadline.after(timeouts.total));
        client.deadline.set(self.total_due);
    }

    /// Whether another connection may be waited for: where the wait for the head is unlimited, `timeout` may be over by then.
    pub(crate) fn has_time(&self, client: &Client) -> bool {
        self.total_due.is_none_or(|due| due > client.deadline.now())
    }

    /// A request that is not idempotent may be sent twice if its proxy says so, or the client does.
    fn allow_repetition(&mut self, proxy: &Proxy, head: &RequestHead, bytes: &[u8]) {
        let Some(retry) = &proxy.traffic_config.retry else { return };
        let is_key = |name: &[u8]| name.eq_ignore_ascii_case(b"Idempotency-Key");
        self.is_repeatable |=
            retry.retry_unsafe || head.fields().iter().any(|line| is_key(line.name.of(bytes)));
    }

    /// The facts of a request that could not be read.
    pub(crate) fn unknown(id: RequestId) -> Self {
        RequestFacts {
            id,
            placement: None,
            method: Method::Other,
            version: Version::Http11,
            // Whatever follows cannot be told from a body.
            body: RequestBody::Chunked,
            keep_alive: false,
            expects_continue: false,
            is_cross_origin: false,
            grants_origin: false,
            total_due: None,
            head_length: 0,
            is_repeatable: false,
            told: Told::default(),
        }
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

/// What a request is called: as a trusted proxy in front of us says, or by a name of our own.
fn request_id(head: &RequestHead, client: &Client, worker: &Worker) -> RequestId {
    let given = head.field(FieldName::XRequestId).filter(|_| worker.trusts(client.address));
    let given = given.and_then(|line| RequestId::parse(line.value.of(client.bytes())));
    given.unwrap_or_else(|| worker.new_request_id())
}

/// Whether a request with this method may be sent twice (RFC 9110 §9.2.2).
fn is_idempotent(method: Method) -> bool {
    matches!(method, Method::Get | Method::Head | Method::Options | Method::Put | Method::Delete)
}

impl Failure {
    /// A response that could not be relayed: until something of it has left, the client can still be told.
    fn of_relay(fault: Fault, has_begun: bool) -> Self {
        if has_begun { Failure::InBody(fault) } else { Failure::BeforeHead(fault) }
    }

    /// What ran out is the time of the worker, if that is over, or that of a request that somebody has ended.
    fn at_the_end_of(mut self, worker: &Worker, running: &Running) -> Self {
        let (Failure::BeforeHead(fault) | Failure::InBody(fault)) = &mut self;
        if fault.reason.is_timeout() && worker.deadlines.is_over() {
            fault.reason = Reason::DrainTimeout;
        } else if fault.reason.is_timeout() && running.is_ended.get() {
            fault.reason = Reason::EndedByOperator;
        }
        self
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::BeforeHead(fault)
    }
}
