//! A stream of server-sent events, released one by one.

use std::io;

use super::by_hand::ByHand;
use super::peer::Peer;

pub(super) const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";

/// Opens a stream for every request; the test decides when each event is written.
pub struct SseUpstream {
    /// The connections below the streams.
    pub connections: ByHand,
}

impl SseUpstream {
    /// Listens on IPv4 loopback.
    pub async fn start() -> Self {
        Self { connections: ByHand::start().await }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.connections.url()
    }

    /// The next stream: its request was read and its head was sent.
    pub async fn open_stream(&mut self) -> SseStream {
        let mut peer = self.connections.accept_request().await;
        peer.send(HEAD).await.expect("the gateway waits for the head");
        SseStream { peer }
    }
}

/// One open stream; dropping it cuts it.
pub struct SseStream {
    /// The connection below, for everything that is not an event.
    pub peer: Peer,
}

impl SseStream {
    /// Writes one event with that data.
    pub async fn send_event(&mut self, event_data: &str) -> io::Result<()> {
        self.peer.send_chunk(format!("data: {event_data}\n\n")).await
    }

    /// Ends the stream in order; the connection stays usable.
    pub async fn end(&mut self) -> io::Result<()> {
        self.peer.send("0\r\n\r\n").await
    }
}
