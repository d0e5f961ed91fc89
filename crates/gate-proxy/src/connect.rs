//! A connection for a request: from the pool, or dialled.

use crate::attempts::{Attempts, Failed, pause};
use crate::client::Client;
use crate::fault::Fault;
use crate::finish::Running;
use crate::pipeline::RequestFacts;
use crate::record::Phase;
use crate::route::ProxyRef;
use crate::worker::Worker;
use gate_telemetry::Reason;
use gate_upstream::{Connected, Lease, Protocol};
use std::future::Future;
use std::pin::pin;
use std::task::Poll;

/// A connection for a request.
#[derive(Debug)]
pub(crate) struct Leased {
    pub(crate) lease: Lease,
    /// It served another request before: the upstream may have closed it at this very moment.
    pub(crate) is_reused: bool,
}

/// A connection for a request: one that waits in the pool, or a new one, after as many attempts as there may be.
///
/// # Errors
/// The last attempt's.
pub(crate) async fn connect(
    worker: &Worker,
    client: &mut Client,
    proxy: &ProxyRef,
    facts: &RequestFacts,
    attempts: &mut Attempts<'_>,
    running: &Running,
) -> Result<Leased, Fault> {
    if let Some(leased) = pooled(worker, proxy) {
        return Ok(leased);
    }
    open(worker, client, proxy, facts, attempts, running).await
}

/// A new connection, after as many attempts as there may be.
///
/// # Errors
/// The last attempt's.
pub(crate) async fn open(
    worker: &Worker,
    client: &mut Client,
    proxy: &ProxyRef,
    facts: &RequestFacts,
    attempts: &mut Attempts<'_>,
    running: &Running,
) -> Result<Leased, Fault> {
    running.phase.set(Phase::Connecting);
    client.hold_little();
    loop {
        let fault = match dial(worker, client, proxy, running).await {
            Err(fault) if fault.is_of_connecting() => fault,
            dialled => return dialled,
        };
        running.attempts.set(running.attempts.get() + 1);
        match attempts.next(Failed::Connect, client, facts, running) {
            Some(wait) => pause(client, facts, running, wait).await?,
            None => return Err(fault),
        }
    }
}

/// Takes a connection that waits in the pool. Never waits itself.
fn pooled(worker: &Worker, proxy: &ProxyRef) -> Option<Leased> {
    let expires = worker.deadlines.instant() + proxy.timeouts.pool_idle;
    let lease = worker.pool.borrow_mut().take(&proxy.upstream.id, expires)?;
    Some(Leased { lease, is_reused: true })
}

/// Opens a new connection, for as long as the client waits for it.
///
/// # Errors
/// The phase that failed, or that the client has gone.
async fn dial(
    worker: &Worker,
    client: &mut Client,
    proxy: &ProxyRef,
    running: &Running,
) -> Result<Leased, Fault> {
    let (timeouts, began) = (&proxy.timeouts, running.clock());
    let dialling = worker.dialer.dial(&proxy.upstream.id, timeouts.dial, timeouts.tls);
    // Boxed: TLS and happy eyeballs have large states, which an open stream should not carry along.
    let connected = while_client_waits(client, Box::pin(dialling)).await;
    running.connect.set(running.connect.get() + running.clock().saturating_duration_since(began));
    let connected = connected?;
    let Connected { protocol, address } = connected.map_err(|error| Fault::because(error.reason(), error))?;
    let expires = worker.deadlines.instant() + timeouts.pool_idle;
    let lease = match protocol {
        Protocol::Http1(stream) => Lease::Http1 { stream, address },
        Protocol::Http2(connection) => {
            worker.pool.borrow_mut().share(&proxy.upstream.id, connection, address, expires)
        }
    };
    Ok(Leased { lease, is_reused: false })
}

/// Waits for something on behalf of a client that may leave, within the connection's deadline.
pub(crate) async fn while_client_waits<T>(
    client: &mut Client,
    future: impl Future<Output = T>,
) -> Result<T, Fault> {
    until(client, future, Reason::TimeoutTotal).await
}

/// Same, with a word of its own for a deadline that has passed.
pub(crate) async fn until<T>(
    client: &mut Client,
    future: impl Future<Output = T>,
    too_late: Reason,
) -> Result<T, Fault> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if client.poll_gone(cx).is_ready() {
            return Poll::Ready(Err(Reason::ClientClosed.into()));
        }
        if client.deadline.is_due() {
            return Poll::Ready(Err(too_late.into()));
        }
        Poll::Pending
    })
    .await
}
