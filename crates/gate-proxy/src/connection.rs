//! One client connection, from accept to close: request after request.

use crate::client::Client;
use crate::connection_limit::Counted;
use crate::fault::Fault;
use crate::finish::Running;
use crate::listener::Scope;
use crate::pipeline::{self, Next, RequestFacts};
use crate::read_head::{NoRequest, read_head};
use crate::worker::{ConnectionCount, Worker};
use gate_telemetry::Reason;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::TcpStream;

/// Counted as one of the process's connections, and as one of the worker's.
pub(crate) type Counts = (Counted, ConnectionCount);

/// Serves a connection to its end, for which it is counted.
///
/// Not an `async fn`, whose state would hold each argument twice, and those that the client is made of as well.
pub(crate) fn serve(
    worker: Rc<Worker>,
    scope: Scope,
    socket: TcpStream,
    peer: SocketAddr,
    counted: Counts,
) -> impl Future<Output = ()> {
    let mut client = Client::new(socket, peer, scope, &worker);
    async move {
        let _counted = &counted;
        client.enter_task().await;
        let mut is_first = true;
        let next = loop {
            let request = match read_head(&worker, &mut client, is_first).await {
                Ok(request) => request,
                Err(NoRequest::Ended) => break Next::Close,
                Err(NoRequest::Refused(fault)) => break refuse(&worker, &mut client, fault).await,
            };
            let next = pipeline::answer(&worker, &mut client, request).await;
            if next != Next::KeepAlive {
                break next;
            }
            is_first = false;
        };
        match next {
            Next::KeepAlive | Next::Close => {}
            Next::Linger => client.linger().await,
            Next::Reset => client.reset(),
        }
    }
}

/// Tells a client that there is no room for its connection.
pub(crate) async fn turn_away(worker: &Rc<Worker>, socket: TcpStream, peer: SocketAddr) {
    let mut client = Client::new(socket, peer, Scope::Everything, worker);
    client.enter_task().await;
    refuse(worker, &mut client, Reason::Overloaded.into()).await;
    client.linger().await;
}

/// Answers what could not be read. Nothing behind it can be understood, so the connection ends.
async fn refuse(worker: &Rc<Worker>, client: &mut Client, fault: Fault) -> Next {
    let facts = RequestFacts::unknown(worker.new_request_id());
    let running = Running::begin(worker, client, facts.id, |_| {});
    running.status.set(fault.reason.status());
    let next = pipeline::refuse(client, &facts, fault.reason).await;
    running.finish(client, Err(&fault));
    next
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
        F: FnOnce(Rc<Worker>, Scope, TcpStream, SocketAddr, Counts) -> Fut,
    {
        size_of::<Fut>()
    }

    /// With what the event loop adds, 1408 bytes, at an address that is a multiple of 128: for that the allocator takes up to
    /// 127 more, and 1.5 KiB is a size it has. A byte more costs 256.
    const STATE_BYTES_MAX: usize = 1280;
}
