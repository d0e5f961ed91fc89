//! The upstream's end of one connection.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::ledger::{ReceivedBody, RequestHead};
use super::listening::OpenConnection;
use crate::pattern::hex;
use crate::wire::{Connection, Counted, Fields, latin1};

/// One accepted connection: reads requests tolerantly, sends whatever bytes it is told to.
///
/// Dropping it closes the connection.
pub struct Peer {
    stream: BufReader<Counted>,
    number: usize,
    request: usize,
    open: OpenConnection,
}

impl Peer {
    pub(super) fn new(connection: Box<dyn Connection>, number: usize, open: OpenConnection) -> Self {
        let received = Arc::clone(&open.0.received);
        Self { stream: BufReader::new(Counted { connection, received }), number, request: 0, open }
    }

    /// Reads one request head; `None` when the other side closed instead.
    pub async fn read_head(&mut self) -> io::Result<Option<RequestHead>> {
        let Some(start) = self.read_start_line().await? else { return Ok(None) };
        let mut words = start.split(' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let (method, target, version) = (word(), word(), word());
        let head = RequestHead { method, target, version, headers: self.read_fields().await? };
        self.request = self.open.0.head_arrived(self.number, head.clone());
        Ok(Some(head))
    }

    /// Reads the body that `head` announces, to its end, and notes it in the ledger.
    pub async fn read_body(&mut self, head: &RequestHead) -> io::Result<ReceivedBody> {
        let mut content = Content::default();
        let trailers =
            if head.headers.value("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
                self.read_chunks(&mut content).await?
            } else {
                let length =
                    head.headers.value("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
                self.read_content(length, &mut content).await?;
                Fields::default()
            };
        let body = ReceivedBody { length: content.length, sha256: hex(&content.hash.finalize()), trailers };
        self.open.0.body_arrived(self.request, body.clone());
        Ok(body)
    }

    /// Reads a whole request; `None` when the other side closed instead.
    pub async fn read_request(&mut self) -> io::Result<Option<(RequestHead, ReceivedBody)>> {
        let Some(head) = self.read_head().await? else { return Ok(None) };
        let body = self.read_body(&head).await?;
        Ok(Some((head, body)))
    }

    /// Reads exactly `count` bytes, whatever they are.
    pub async fn read_bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await?;
        self.stream.flush().await
    }

    /// Sends one chunk of a chunked body.
    pub async fn send_chunk(&mut self, content: impl AsRef<[u8]>) -> io::Result<()> {
        let content = content.as_ref();
        let size = format!("{:x}\r\n", content.len());
        self.send([size.as_bytes(), content, b"\r\n"].concat()).await
    }

    /// Discards what still comes until the other side closes: how a peer learns that it was left.
    pub async fn until_closed(&mut self) -> io::Result<()> {
        tokio::io::copy_buf(&mut self.stream, &mut tokio::io::sink()).await.map(drop)
    }

    /// Ends the sending side; what still comes can be read.
    pub async fn half_close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Closes with a reset instead of an orderly end.
    pub fn reset(self) -> io::Result<()> {
        self.stream.get_ref().connection.reset_on_close()
    }

    /// Another handle of the socket: with it the connection stays open even when this one is dropped.
    pub(super) fn duplicate(&self) -> io::Result<OwnedFd> {
        self.stream.get_ref().connection.socket().as_fd().try_clone_to_owned()
    }

    async fn read_start_line(&mut self) -> io::Result<Option<String>> {
        loop {
            match self.read_line().await? {
                Some(line) if line.is_empty() => {}
                line => return Ok(line),
            }
        }
    }

    async fn read_line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let count = self.stream.read_until(b'\n', &mut line).await?;
        Ok((count > 0).then(|| latin1(line.trim_ascii_end())))
    }

    async fn read_fields(&mut self) -> io::Result<Fields> {
        let mut fields = Fields::default();
        while let Some(line) = self.read_line().await?.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            fields.push(name, value.trim());
        }
        Ok(fields)
    }

    async fn read_chunks(&mut self, content: &mut Content) -> io::Result<Fields> {
        loop {
            let line = self.read_line().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let size = line.split(';').next().and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
            match size.ok_or(io::ErrorKind::InvalidData)? {
                0 => return self.read_fields().await,
                size => self.read_content(size, content).await?,
            }
            self.read_line().await?;
        }
    }

    async fn read_content(&mut self, mut length: u64, content: &mut Content) -> io::Result<()> {
        while length > 0 {
            let available = self.stream.fill_buf().await?;
            let count = usize::try_from(length).map_or(available.len(), |length| length.min(available.len()));
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            content.hash.update(&available[..count]);
            content.length += count as u64;
            length -= count as u64;
            self.stream.consume(count);
        }
        Ok(())
    }
}

/// What is kept of a body: enough to compare it, whatever its size.
#[derive(Default)]
struct Content {
    length: u64,
    hash: Sha256,
}
