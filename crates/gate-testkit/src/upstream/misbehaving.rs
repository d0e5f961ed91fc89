//! Upstreams named by what they do wrong, or rarely do.

use std::io;

use super::behaviour::Behaviour;
use super::peer::Peer;

/// Reads the request, sends a head that promises a body, and then nothing more.
pub struct StallAfterHead;

impl Behaviour for StallAfterHead {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        peer.read_request().await?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n").await?;
        peer.until_closed().await
    }
}

/// Reads the request and resets the connection.
pub struct ResetBeforeHead;

impl Behaviour for ResetBeforeHead {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        peer.read_request().await?;
        peer.reset()
    }
}

/// Reads the request and closes the connection in order, without a word.
pub struct CloseAfterRequest;

impl Behaviour for CloseAfterRequest {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        peer.read_request().await?;
        peer.half_close().await
    }
}

/// Answers as if it kept the connection, and closes it without saying so.
pub struct CloseIdle;

impl Behaviour for CloseIdle {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        peer.read_request().await?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
        peer.half_close().await
    }
}

/// Sends a whole response one byte at a time.
pub struct OneByte(pub &'static str);

impl Behaviour for OneByte {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        while peer.read_request().await?.is_some() {
            for byte in self.0.bytes() {
                peer.send([byte]).await?;
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }
}

/// Answers as soon as the head is there and never reads the request's body.
pub struct EarlyResponse;

impl Behaviour for EarlyResponse {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        peer.read_head().await?;
        peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much").await?;
        peer.half_close().await?;
        peer.until_closed().await
    }
}

/// Sends informational heads before every answer.
pub struct Informational(pub &'static str);

impl Behaviour for Informational {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        while peer.read_request().await?.is_some() {
            peer.send(self.0).await?;
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
        }
        Ok(())
    }
}

/// Answers every request with the same bytes, right or wrong.
pub struct Answer {
    bytes: Vec<u8>,
    then: AfterAnswer,
}

#[derive(Clone, Copy)]
enum AfterAnswer {
    Close,
    Reset,
    KeepOpen,
}

impl Answer {
    /// Sends the bytes and closes the connection in order.
    pub fn then_close(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), then: AfterAnswer::Close }
    }

    /// Sends the bytes and resets the connection.
    pub fn then_reset(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), then: AfterAnswer::Reset }
    }

    /// Sends the bytes and serves the next request on the connection.
    pub fn then_keep_open(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), then: AfterAnswer::KeepOpen }
    }
}

impl Behaviour for Answer {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        while peer.read_request().await?.is_some() {
            peer.send(&self.bytes).await?;
            match self.then {
                AfterAnswer::Close => return peer.half_close().await,
                AfterAnswer::Reset => return peer.reset(),
                AfterAnswer::KeepOpen => {}
            }
        }
        Ok(())
    }
}
