//! A listening upstream with a behaviour and a ledger.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::behaviour::Behaviour;
use super::ledger::Ledger;
use super::peer::Peer;
use super::tls::TestAuthority;
use crate::wire::Connection;

/// An HTTP/1.1 upstream on a port of its own; dropping it closes the port and all connections.
pub struct Upstream {
    /// What it has seen.
    pub ledger: Arc<Ledger>,
    address: SocketAddr,
    scheme: &'static str,
    accepting: JoinHandle<()>,
}

impl Upstream {
    /// Listens on IPv4 loopback.
    pub async fn start(behaviour: impl Behaviour) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into(), behaviour).await
    }

    /// Listens on that address, for example IPv6 loopback.
    pub async fn start_on(ip: IpAddr, behaviour: impl Behaviour) -> Self {
        Self::listen(ip, None, behaviour).await
    }

    /// Listens with TLS, offering HTTP/1.1 only, with a certificate of `authority`.
    pub async fn start_tls(authority: &TestAuthority, behaviour: impl Behaviour) -> Self {
        Self::listen(Ipv4Addr::LOCALHOST.into(), Some(authority.acceptor(&[b"http/1.1"])), behaviour).await
    }

    /// `http://127.0.0.1:PORT`, or `https://…`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    async fn listen(ip: IpAddr, tls: Option<TlsAcceptor>, behaviour: impl Behaviour) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let ledger = Arc::new(Ledger::default());
        let accepting = tokio::spawn(accept(listener, tls, Arc::new(behaviour), Arc::clone(&ledger)));
        Self { ledger, address, scheme, accepting }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Owns the connections: when this task is aborted they end with it.
async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    behaviour: Arc<impl Behaviour>,
    ledger: Arc<Ledger>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.expect("the test has descriptors left");
        socket.set_nodelay(true).expect("a TCP socket knows TCP_NODELAY");
        let number = ledger.connection_opened();
        let open = OpenConnection(Arc::clone(&ledger));
        connections.spawn(serve(socket, number, open, tls.clone(), Arc::clone(&behaviour)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(
    socket: TcpStream,
    number: usize,
    open: OpenConnection,
    tls: Option<TlsAcceptor>,
    behaviour: Arc<impl Behaviour>,
) -> io::Result<()> {
    let connection: Box<dyn Connection> = match tls {
        Some(acceptor) => Box::new(acceptor.accept(socket).await?),
        None => Box::new(socket),
    };
    behaviour.serve(Peer::new(connection, number, open)).await
}

/// Counts a connection as open for as long as it lives.
pub(super) struct OpenConnection(pub(super) Arc<Ledger>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connection_closed();
    }
}
