//! A connection with its read buffer: whole heads and body pieces instead of reads.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::message::{Body, Head, Malformed, parse_head};

/// Small enough that thousands of connections fit into the cache, large enough for a small message.
const READ_BYTES_MIN: usize = 4 * 1024;
/// What a connection's reads grow to while bulk data fills them.
const READ_BYTES_MAX: usize = 256 * 1024;

/// Why a message could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the connection was closed inside a message")]
    Truncated,
}

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// Bytes that were read and belong to what is read next.
    buffer: BytesMut,
    /// Room offered to the next read; doubles when a read filled it.
    read_bytes: usize,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::new(), read_bytes: READ_BYTES_MIN })
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Writes all of `bytes`. Not cancel-safe: a dropped write leaves a torn message.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Reads the next head and gives what `interpret` makes of it; `None` when the peer closed the
    /// connection between two messages. Cancel-safe.
    pub(crate) async fn read_head<T>(
        &mut self,
        interpret: impl Fn(&Head<'_>) -> T,
    ) -> Result<Option<T>, ConnectionError> {
        loop {
            if let Some(head) = parse_head(&self.buffer)? {
                let (length, meaning) = (head.length, interpret(&head));
                self.buffer.advance(length);
                return Ok(Some(meaning));
            }
            match self.fill().await? {
                0 if self.buffer.is_empty() => return Ok(None),
                0 => return Err(ConnectionError::Truncated),
                _ => {}
            }
        }
    }

    /// Hands on the payload that has arrived, after waiting for some; `false` when `body` has ended.
    /// Cancel-safe.
    pub(crate) async fn read_payload(
        &mut self,
        body: &mut Body,
        payload: impl FnMut(&[u8]),
    ) -> Result<bool, ConnectionError> {
        if body.is_complete() {
            return Ok(false);
        }
        if self.buffer.is_empty() && self.fill().await? == 0 {
            return match body {
                Body::UntilClose => Ok(false),
                Body::Length(_) | Body::Chunked(_) => Err(ConnectionError::Truncated),
            };
        }
        let taken = body.feed(&self.buffer, payload)?;
        self.buffer.advance(taken);
        Ok(true)
    }

    /// Reads `body` to its end and returns how many payload bytes it had.
    pub(crate) async fn drain(&mut self, mut body: Body) -> Result<u64, ConnectionError> {
        let mut bytes = 0;
        while self.read_payload(&mut body, |piece| bytes += piece.len() as u64).await? {}
        Ok(bytes)
    }

    /// Waits until the peer closes the connection; what it sends until then is lost.
    pub(crate) async fn closed(&mut self) -> Result<(), ConnectionError> {
        while self.fill().await? > 0 {
            self.buffer.clear();
        }
        Err(ConnectionError::Truncated)
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(self.read_bytes);
        let room = self.buffer.capacity() - self.buffer.len();
        let length = self.stream.read_buf(&mut self.buffer).await?;
        if length == room {
            self.read_bytes = (2 * self.read_bytes).min(READ_BYTES_MAX);
        }
        Ok(length)
    }
}
