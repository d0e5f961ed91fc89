//! An upstream whose every move the test makes itself.

use std::io;

use tokio::sync::mpsc;

use super::behaviour::Behaviour;
use super::listening::Upstream;
use super::peer::Peer;
use crate::deadline::{PATIENCE, within};

/// Hands each accepted connection to the test.
pub struct ByHand {
    /// The listening upstream and its ledger.
    pub upstream: Upstream,
    connections: mpsc::UnboundedReceiver<Peer>,
}

impl ByHand {
    /// Listens on IPv4 loopback.
    pub async fn start() -> Self {
        let (connected, connections) = mpsc::unbounded_channel();
        Self { upstream: Upstream::start(HandOver(connected)).await, connections }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.upstream.url()
    }

    /// The next connection that was not handed out yet.
    pub async fn accept(&mut self) -> Peer {
        within(PATIENCE, self.connections.recv()).await.expect("the upstream runs as long as this")
    }

    /// The next connection, its first request read to the end of its body.
    pub async fn accept_request(&mut self) -> Peer {
        let mut peer = self.accept().await;
        within(PATIENCE, peer.read_request()).await.expect("a request can be read").expect("a request came");
        peer
    }
}

struct HandOver(mpsc::UnboundedSender<Peer>);

impl Behaviour for HandOver {
    async fn serve(&self, peer: Peer) -> io::Result<()> {
        self.0.send(peer).map_err(|_| io::ErrorKind::ConnectionAborted.into())
    }
}
