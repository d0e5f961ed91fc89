//! What an upstream does with a connection.

use std::future::Future;
use std::io;

use super::peer::Peer;

/// One way to serve a connection: the well-behaved [`Echo`](super::Echo), or a fault with a name.
pub trait Behaviour: Send + Sync + 'static {
    /// Serves one accepted connection; dropping `peer` closes it.
    ///
    /// An error means that the other side went away: it ends the connection and nothing else.
    fn serve(&self, peer: Peer) -> impl Future<Output = io::Result<()>> + Send;
}

/// A closure is a behaviour that needs no name of its own.
impl<F, Served> Behaviour for F
where
    F: Fn(Peer) -> Served + Send + Sync + 'static,
    Served: Future<Output = io::Result<()>> + Send,
{
    fn serve(&self, peer: Peer) -> impl Future<Output = io::Result<()>> + Send {
        self(peer)
    }
}
