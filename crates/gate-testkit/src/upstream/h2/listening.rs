//! A listening HTTP/2 upstream with a behaviour and a ledger.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::behaviour::H2Behaviour;
use super::exchange::Exchange;
use crate::upstream::TestAuthority;
use crate::upstream::ledger::Ledger;
use crate::upstream::listening::OpenConnection;

/// Listens with TLS and negotiates `h2`; dropping it closes the port and all connections.
pub struct H2Upstream {
    /// What it has seen; a connection's number is that of its TCP connection.
    pub ledger: Arc<Ledger>,
    address: SocketAddr,
    /// Held once more by every open stream.
    streams: Arc<()>,
    accepting: JoinHandle<()>,
}

impl H2Upstream {
    /// Listens on IPv4 loopback with a certificate of `authority`.
    pub async fn start(authority: &TestAuthority, behaviour: H2Behaviour) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (ledger, streams) = (Arc::<Ledger>::default(), Arc::default());
        let serving = Serving { behaviour, ledger: Arc::clone(&ledger), streams: Arc::clone(&streams) };
        let acceptor = authority.acceptor(&[b"h2", b"http/1.1"]);
        Self { ledger, address, streams, accepting: tokio::spawn(serving.accept(listener, acceptor)) }
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Streams that are open now.
    pub fn open_streams(&self) -> usize {
        Arc::strong_count(&self.streams) - HOLDERS_BESIDE_STREAMS
    }
}

impl Drop for H2Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What every connection needs to know.
struct Serving {
    behaviour: H2Behaviour,
    ledger: Arc<Ledger>,
    streams: Arc<()>,
}

impl Serving {
    /// Owns the connections: when this is aborted they end with it.
    async fn accept(self, listener: TcpListener, tls: TlsAcceptor) {
        let serving = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            let (socket, _) = listener.accept().await.expect("the test has descriptors left");
            let number = serving.ledger.connection_opened();
            let open = OpenConnection(Arc::clone(&serving.ledger));
            connections.spawn(Arc::clone(&serving).serve(socket, tls.clone(), number, open));
            while connections.try_join_next().is_some() {}
        }
    }

    async fn serve(
        self: Arc<Self>,
        socket: TcpStream,
        tls: TlsAcceptor,
        number: usize,
        _open: OpenConnection,
    ) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let stream = tls.accept(socket).await?;
        let mut connection = h2::server::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            // What the other side cancels is not held against it here.
            .max_pending_accept_reset_streams(usize::MAX)
            .max_local_error_reset_streams(None)
            .handshake(stream)
            .await
            .map_err(io::Error::other)?;
        let mut streams = JoinSet::new();
        while let Some(accepted) = connection.accept().await {
            let (request, respond) = accepted.map_err(io::Error::other)?;
            let (ledger, open) = (Arc::clone(&self.ledger), Arc::clone(&self.streams));
            let exchange = Exchange { ledger, connection: number, behaviour: self.behaviour, _open: open };
            streams.spawn(exchange.answer(request, respond));
            while streams.try_join_next().is_some() {}
        }
        Ok(())
    }
}

/// [`H2Upstream`] itself and [`Serving`].
const HOLDERS_BESIDE_STREAMS: usize = 2;

/// What servers that are meant for uploads grant; with the protocol's 64 KiB for all streams together, a starved
/// machine makes a megabyte take seconds.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;
