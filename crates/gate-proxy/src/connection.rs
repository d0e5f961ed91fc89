//! One client connection, from accept to close: request after request.

use crate::client::Client;
use crate::connection_limit::Counted;
use crate::pipeline::{self, Next, RequestFacts};
use crate::read_head::{NoRequest, ReadHead, read_head};
use crate::worker::{ConnectionCount, Worker};
use gate_telemetry::Reason;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::TcpStream;

/// Counted as one of the process's connections, and as one of the worker's.
pub(crate) type Counts = (Counted, ConnectionCount);

/// Serves a connection to its end, for which it is counted.
pub(crate) async fn serve(worker: Rc<Worker>, socket: TcpStream, peer: SocketAddr, _counted: Counts) {
    let mut client = Client::new(socket, peer, &worker).await;
    let mut line = Vec::new();
    let mut is_first = true;
    let next = loop {
        match read_head(&worker, &mut client, is_first).await {
            Ok(request) => {
                describe(&request, client.bytes(), &mut line);
                let next;
                (next, line) = pipeline::answer(&worker, &mut client, request, line).await;
                if next != Next::KeepAlive {
                    break next;
                }
            }
            Err(NoRequest::Ended) => break Next::Close,
            Err(NoRequest::Refused(reason, cause)) => {
                break refuse(&worker, &mut client, reason, cause).await;
            }
        }
        is_first = false;
    };
    match next {
        Next::KeepAlive | Next::Close => {}
        Next::Linger => client.linger().await,
        Next::Reset => client.reset(),
    }
}

/// Tells a client that there is no room for its connection.
pub(crate) async fn turn_away(worker: &Worker, socket: TcpStream, peer: SocketAddr) {
    let mut client = Client::new(socket, peer, worker).await;
    let request_id = worker.request_id(worker.next_request());
    pipeline::refuse(&mut client, &RequestFacts::unknown(), Reason::Overloaded, &request_id).await;
    client.linger().await;
}

/// What is asked for, without the query (H28).
fn describe(request: &ReadHead, bytes: &[u8], line: &mut Vec<u8>) {
    line.clear();
    line.extend_from_slice(request.head.method_span().of(bytes));
    line.push(b' ');
    line.extend_from_slice(request.head.path().of(bytes));
}

/// Answers what could not be read. Nothing behind it can be understood, so the connection ends.
async fn refuse(worker: &Worker, client: &mut Client, reason: Reason, cause: Option<String>) -> Next {
    let request_id = worker.request_id(worker.next_request());
    let (label, status, client_address) = (reason.label(), reason.status(), client.address);
    let cause = cause.as_deref().unwrap_or_default();
    tracing::info!(reason = label, status, request_id, client = %client_address, cause, "request refused");
    pipeline::refuse(client, &RequestFacts::unknown(), reason, &request_id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a connection costs besides its sockets, whether it idles or streams.
    #[test]
    fn the_state_of_a_connection_is_small() {
        let size = size_of_future(serve);
        assert!(size <= STATE_BYTES_MAX, "{size} bytes");
    }

    fn size_of_future<F, Fut>(_: F) -> usize
    where
        F: FnOnce(Rc<Worker>, TcpStream, SocketAddr, Counts) -> Fut,
    {
        size_of::<Fut>()
    }

    /// 10,000 connections in 20 MB.
    const STATE_BYTES_MAX: usize = 2048;
}
