//! Reading the next request head from a client.

use crate::client::Client;
use crate::fault::Fault;
use crate::recycled::Recycled;
use crate::worker::Worker;
use gate_http::{ChunkedDecoder, Progress, RequestBody, RequestError, RequestHead};
use gate_telemetry::Reason;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

/// A request head, complete and well-formed.
pub(crate) struct ReadHead {
    /// What it says; its spans are ranges of [`Client::bytes`] until the head is consumed.
    pub(crate) head: Recycled<RequestHead>,
    /// How many bytes it has.
    pub(crate) length: usize,
}

/// Why there is no further request.
pub(crate) enum NoRequest {
    /// The connection ended between two requests, or there is nothing left to say on it.
    Ended,
    /// What arrived is refused, and nothing behind it can be understood.
    Refused(Fault),
}

/// What a client that says nothing is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// The first request of its connection.
    First,
    /// The same, which may have been on its way when the worker began to stop.
    FirstSoon,
    /// Another one.
    Next,
}

/// Reads the next request head. Holds neither a buffer nor a parser before its first byte.
///
/// # Errors
/// That there is none; see [`NoRequest`].
pub(crate) async fn read_head(
    worker: &Worker,
    client: &mut Client,
    is_first: bool,
) -> Result<ReadHead, NoRequest> {
    let (mut awaited, idle) =
        if is_first { (Awaited::First, HEAD_TIMEOUT) } else { (Awaited::Next, KEEP_ALIVE_TIMEOUT) };
    client.deadline.set_after(Some(idle));
    let mut head = None;
    poll_fn(|cx| poll_head(cx, worker, client, &mut awaited, &mut head)).await
}

fn poll_head(
    cx: &mut Context<'_>,
    worker: &Worker,
    client: &mut Client,
    awaited: &mut Awaited,
    started: &mut Option<Recycled<RequestHead>>,
) -> Poll<Result<ReadHead, NoRequest>> {
    if worker.is_draining.get() && *awaited == Awaited::Next {
        // A request that the event loop does not know of yet is there all the same.
        client.look_again();
    }
    loop {
        if !client.bytes().is_empty() {
            worker.rouse();
            let mut head = started.take().unwrap_or_else(|| begin(client));
            match head.parse(client.bytes()) {
                Ok(Progress::Complete { length }) => return Poll::Ready(checked(client, head, length)),
                Ok(Progress::Partial) => *started = Some(head),
                Err(error) => {
                    return Poll::Ready(Err(NoRequest::Refused(Fault::because(reason(error), error))));
                }
            }
        }
        let Poll::Ready(outcome) = client.poll_fill(cx) else { break };
        if !matches!(outcome, Ok(count) if count > 0) {
            return Poll::Ready(Err(NoRequest::Ended));
        }
    }
    match started {
        // Between two requests there is nobody to tell that the connection ends.
        None if !awaited.still(client, worker.is_draining.get()) => Poll::Ready(Err(NoRequest::Ended)),
        Some(_) if client.deadline.is_due() => {
            let is_over = client.deadline.is_over();
            let reason = if is_over { Reason::DrainTimeout } else { Reason::TimeoutClientHead };
            Poll::Ready(Err(NoRequest::Refused(reason.into())))
        }
        _ => Poll::Pending,
    }
}

impl Awaited {
    /// Whether it is waited for any longer.
    fn still(&mut self, client: &Client, is_draining: bool) -> bool {
        if is_draining && *self == Awaited::First {
            *self = Awaited::FirstSoon;
            client.deadline.set_after(Some(LATE_TIMEOUT));
        }
        let ends = is_draining && *self == Awaited::Next;
        !ends && !client.deadline.is_due()
    }
}

/// The first byte of a head: from now on it has to arrive as a whole (D3 of the robustness table: a drip is no progress).
fn begin(client: &Client) -> Recycled<RequestHead> {
    client.deadline.set_after(Some(HEAD_TIMEOUT));
    Recycled::take()
}

/// A body that is broken as far as it is at hand never reaches an upstream.
fn checked(client: &Client, head: Recycled<RequestHead>, length: usize) -> Result<ReadHead, NoRequest> {
    let body = client.bytes().get(length..).unwrap_or_default();
    if head.body() == RequestBody::Chunked && !chunks_are_sound(body) {
        return Err(NoRequest::Refused(Reason::BadRequest.into()));
    }
    Ok(ReadHead { head, length })
}

fn chunks_are_sound(mut body: &[u8]) -> bool {
    let mut decoder = ChunkedDecoder::new();
    loop {
        match decoder.scan(body) {
            Err(_) => return false,
            Ok(scan) if scan.last => {
                let section = body.get(scan.consumed..).unwrap_or_default();
                return section.is_empty() || gate_http::Trailers::new().parse(section).is_ok();
            }
            Ok(scan) if scan.consumed == 0 => return true,
            Ok(scan) => body = body.get(scan.consumed..).unwrap_or_default(),
        }
    }
}

fn reason(error: RequestError) -> Reason {
    match error.status() {
        414 => Reason::TooLongTarget,
        417 => Reason::ExpectationFailed,
        431 => Reason::TooLargeHead,
        505 => Reason::VersionUnsupported,
        _ => Reason::BadRequest,
    }
}

/// 15 s from the first byte to the last of a head, and for the first byte of a connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// 1 s for the first byte of a connection while the worker stops: it may have been on its way.
const LATE_TIMEOUT: Duration = Duration::from_secs(1);
/// 75 s between two requests: what nginx allows, and longer than most clients keep a connection.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(75);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::Scope;
    use crate::worker::tests::worker_of;
    use gate_snapshot::Snapshot;
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpStream};
    use std::rc::Rc;
    use tokio::net::TcpListener;
    use tokio::runtime::{Builder, LocalOptions};

    #[test]
    fn a_request_that_is_there_when_the_worker_stops_is_read() {
        let runtime =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
        runtime.block_on(async {
            let worker = worker_of(Snapshot::new(1, []));
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (socket, address) = listener.accept().await.unwrap();
            let mut client = Client::new(socket, address, Scope::Everything, &worker);
            let reader = Rc::clone(&worker);
            let reading = tokio::task::spawn_local(async move {
                client.enter_task().await;
                read_head(&reader, &mut client, false).await.is_ok()
            });
            tokio::time::sleep(Duration::from_millis(20)).await;
            peer.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            worker.is_draining.set(true);
            worker.deadlines.wake_all();
            assert!(reading.await.unwrap());
        });
    }
}
