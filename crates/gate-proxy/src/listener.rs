//! The listening sockets: one per worker on the same address (`SO_REUSEPORT`), so that the kernel spreads the connections.

use crate::connection;
use crate::connection_limit::{ConnectionLimit, Exceeded};
use crate::seldom::Seldom;
use crate::worker::Worker;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use std::cell::Cell;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

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

/// What the clients of a listener are served (contract D-26).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everything: there is one listener.
    Everything,
    /// All but the control plane, which has a listener of its own.
    Proxies,
    /// The control plane alone.
    ControlPlane,
}

/// Accepts the connections of one worker; each is served by a task of its own.
pub(crate) struct Acceptor {
    worker: Rc<Worker>,
    scope: Scope,
    limit: Arc<ConnectionLimit>,
    /// How many connections are being turned away.
    leaving: Rc<Cell<usize>>,
    turned_away: Seldom,
    failed: Seldom,
}

impl Acceptor {
    pub(crate) fn new(worker: Rc<Worker>, scope: Scope, limit: Arc<ConnectionLimit>) -> Self {
        let (turned_away, failed) = (Seldom::new(), Seldom::new());
        Acceptor { worker, scope, limit, leaving: Rc::default(), turned_away, failed }
    }

    /// Accepts for ever. Cancel-safe: what was accepted is being served.
    pub(crate) async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((socket, peer)) => self.serve(socket, peer),
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    self.cannot_accept(&error);
                    // Accepting again at once would only burn the processor (M of the robustness table).
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }

    /// Same, on a listener that may not be there.
    pub(crate) async fn accept_if_any(&self, listener: Option<&TcpListener>) {
        match listener {
            Some(listener) => self.accept(listener).await,
            None => std::future::pending().await,
        }
    }

    /// Accepts what the system has accepted for us already, and closes the listener: these clients believe that they are
    /// connected, and a listener that is closed over them would reset them.
    pub(crate) fn accept_queued(&self, listener: TcpListener) -> io::Result<()> {
        let listener = listener.into_std()?;
        loop {
            match listener.accept() {
                Ok((socket, peer)) => {
                    socket.set_nonblocking(true)?;
                    self.serve(TcpStream::from_std(socket)?, peer);
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn serve(&self, socket: TcpStream, peer: SocketAddr) {
        match self.limit.admit(peer.ip()) {
            Ok(counted) => {
                // Counted before its task first runs: a worker that stops waits for this one as well.
                let counts = (counted, self.worker.count_connection());
                let served = connection::serve(Rc::clone(&self.worker), self.scope, socket, peer, counts);
                tokio::task::spawn_local(served);
            }
            Err(exceeded) => self.turn_away(socket, peer, exceeded),
        }
    }

    /// Says why, if not too many are being told already: those who are told hold a descriptor for a moment.
    fn turn_away(&self, socket: TcpStream, peer: SocketAddr, exceeded: Exceeded) {
        self.worker.metrics.connections_turned_away.add(1);
        if let Some(count) = self.turned_away.say(Instant::now()) {
            let limit = exceeded.what();
            tracing::warn!(limit, count, client = %peer.ip(), "connections turned away");
        }
        if self.leaving.get() < LEAVING_MAX {
            self.leaving.set(self.leaving.get() + 1);
            let (worker, leaving) = (Rc::clone(&self.worker), Rc::clone(&self.leaving));
            tokio::task::spawn_local(async move {
                connection::turn_away(&worker, socket, peer).await;
                leaving.set(leaving.get() - 1);
            });
        }
    }

    /// No descriptors or no memory. Idle connections to upstreams are the ones nobody misses.
    fn cannot_accept(&self, error: &io::Error) {
        let closed = self.worker.pool.borrow_mut().close_idle();
        if let Some(count) = self.failed.say(Instant::now()) {
            let connections = self.worker.connections();
            tracing::error!(%error, count, connections, closed, "cannot accept connections");
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
/// How many connections of a worker are told at the same time that there is no room for them; the others are just closed.
const LEAVING_MAX: usize = 32;
