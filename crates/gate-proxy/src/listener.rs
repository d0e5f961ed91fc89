//! The listening sockets: one per worker on the same address (`SO_REUSEPORT`), so that the kernel spreads the connections.

use crate::connection;
use crate::worker::Worker;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Opens one socket per worker on the same address. With port 0 the system picks a port, the same for all.
///
/// # Errors
/// What the system says, [`io::ErrorKind::AddrInUse`] above all.
pub(crate) fn bind(address: SocketAddr, workers: usize) -> io::Result<(SocketAddr, Vec<StdListener>)> {
    if address.port() != 0 {
        probe(address)?;
    }
    let first = open(address, true)?;
    let address = first.local_addr()?;
    let others = (1..workers).map(|_| open(address, true));
    let listeners = std::iter::once(Ok(first)).chain(others).collect::<io::Result<_>>()?;
    Ok((address, listeners))
}

/// Whether the address is free. Sockets that share a port with each other would also share it with another gateway of
/// the same user: a plain socket finds out.
pub(crate) fn probe(address: SocketAddr) -> io::Result<()> {
    open(address, false).map(drop)
}

/// Accepts connections for ever; each is served by a task of its own.
pub(crate) async fn accept(worker: Rc<Worker>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                tokio::task::spawn_local(connection::serve(Rc::clone(&worker), socket, peer));
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                // No descriptors or no memory: accepting again at once would only burn the processor (M of the robustness table).
                tracing::error!(%error, connections = worker.connections(), "cannot accept connections");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

fn open(address: SocketAddr, share: bool) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(share)?;
    // Accepted sockets inherit these, which saves three system calls per connection.
    socket.set_tcp_nodelay(true)?;
    socket
        .set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_AFTER))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// The client was gone before it was accepted.
fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

/// As many as a burst of reconnecting clients brings; the system caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;
/// 30 s: below the idle timeouts of the middleboxes on the way.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
/// Long enough for connections to end, short enough for nobody to notice.
const BACK_OFF: Duration = Duration::from_millis(50);
