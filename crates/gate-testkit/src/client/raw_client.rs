//! A client that sends exactly the bytes it is told to.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use super::body::{Remaining, chunk_size};
use super::head::{malformed, parse_fields, parse_head, strip_crlf};
use super::response::{BodyEnd, Response, ResponseError, ResponseHead};
use crate::deadline::PATIENCE;
use crate::wire::Fields;

/// The `Host` of requests that do not bring their own.
const HOST: &str = "gateway.test";

/// One connection to the gateway. Every read gives up after a long silence.
pub struct RawClient {
    stream: BufReader<TcpStream>,
    remaining: Remaining,
    trailers: Fields,
}

impl RawClient {
    /// Connects to the gateway.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).await.expect("the gateway accepts connections"))
    }

    /// Connects from that address of ours, to have more ports or to be another client.
    pub async fn connect_from(ip: IpAddr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("the test has descriptors left");
        socket.bind((ip, 0).into()).expect("the address is one of loopback");
        Self::new(socket.connect(address).await.expect("the gateway accepts connections"))
    }

    /// Connects with a receive buffer of so many bytes, so that one that does not read is soon full.
    pub async fn connect_with_buffer(address: SocketAddr, bytes: u32) -> Self {
        let socket = TcpSocket::new_v4().expect("the test has descriptors left");
        socket.set_recv_buffer_size(bytes).expect("a TCP socket knows SO_RCVBUF");
        Self::new(socket.connect(address).await.expect("the gateway accepts connections"))
    }

    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a TCP socket knows TCP_NODELAY");
        Self { stream: BufReader::new(stream), remaining: Remaining::Nothing, trailers: Fields::default() }
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Sends every byte in a segment of its own, and stops early when the gateway hangs up.
    pub async fn send_byte_by_byte(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        for byte in bytes.as_ref() {
            self.stream.write_all(&[*byte]).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Sends a request with those header lines and, when there is a body, its `Content-Length`.
    pub async fn send_request(
        &mut self,
        method: &str,
        target: &str,
        lines: &[&str],
        body: &[u8],
    ) -> io::Result<()> {
        let brings_host = lines.iter().any(|line| line.to_ascii_lowercase().starts_with("host:"));
        let host = if brings_host { String::new() } else { format!("Host: {HOST}\r\n") };
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let fields: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
        let head = format!("{method} {target} HTTP/1.1\r\n{host}{length}{fields}\r\n");
        self.send([head.as_bytes(), body].concat()).await
    }

    /// Sends a request and reads the answer.
    ///
    /// # Panics
    /// When there is none; for a test that expects that, see [`RawClient::read_response`].
    pub async fn request(&mut self, method: &str, target: &str, lines: &[&str], body: &[u8]) -> Response {
        self.send_request(method, target, lines, body).await.expect("the gateway reads the request");
        let response = self.read_response_to(method).await;
        response.unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }

    /// Sends a GET without further fields and reads the answer.
    pub async fn get(&mut self, target: &str) -> Response {
        self.request("GET", target, &[], b"").await
    }

    /// Reads the answer to any method but HEAD.
    pub async fn read_response(&mut self) -> Result<Response, ResponseError> {
        self.read_response_to("GET").await
    }

    /// Reads the answer to `method`: informational heads, the final head, the body to its end.
    pub async fn read_response_to(&mut self, method: &str) -> Result<Response, ResponseError> {
        let mut informational = Vec::new();
        let mut head = self.read_head_to(method).await?;
        while head.status < 200 && head.status != 101 {
            informational.push(head);
            head = self.read_head_to(method).await?;
        }
        let (body, end) = self.read_body().await?;
        Ok(Response { informational, head, body, trailers: std::mem::take(&mut self.trailers), end })
    }

    /// Reads one head, informational or final, of an answer to any method but HEAD.
    pub async fn read_head(&mut self) -> Result<ResponseHead, ResponseError> {
        self.read_head_to("GET").await
    }

    async fn read_head_to(&mut self, method: &str) -> Result<ResponseHead, ResponseError> {
        if patient(self.stream.fill_buf()).await??.is_empty() {
            return Err(ResponseError::Closed);
        }
        let lines = self.read_lines().await?.ok_or(ResponseError::TruncatedHead)?;
        let head = parse_head(&lines)?;
        self.remaining = Remaining::after(&head, method)?;
        Ok(head)
    }

    /// Reads the rest of the body.
    pub async fn read_body(&mut self) -> Result<(Vec<u8>, BodyEnd), ResponseError> {
        let mut body = Vec::new();
        loop {
            match self.read_part().await {
                Ok(Some(part)) => body.extend_from_slice(&part),
                Ok(None) => return Ok((body, BodyEnd::Complete)),
                Err(ResponseError::Closed | ResponseError::Io(_)) => return Ok((body, BodyEnd::Truncated)),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads the next bytes of the body as soon as there are any; `None` at its end.
    ///
    /// A body cut short gives [`ResponseError::Closed`] or [`ResponseError::Io`].
    pub async fn read_part(&mut self) -> Result<Option<Vec<u8>>, ResponseError> {
        loop {
            match self.remaining {
                Remaining::Nothing | Remaining::Bytes(0) => return Ok(None),
                Remaining::ChunkBytes(0) => self.end_chunk().await?,
                Remaining::ChunkSize => self.begin_chunk().await?,
                Remaining::Bytes(left) => {
                    let part = self.take(left).await?.ok_or(ResponseError::Closed)?;
                    self.remaining = Remaining::Bytes(left - part.len() as u64);
                    return Ok(Some(part));
                }
                Remaining::ChunkBytes(left) => {
                    let part = self.take(left).await?.ok_or(ResponseError::Closed)?;
                    self.remaining = Remaining::ChunkBytes(left - part.len() as u64);
                    return Ok(Some(part));
                }
                Remaining::UntilClose => return self.take(u64::MAX).await,
            }
        }
    }

    /// Everything that still comes until the gateway closes, and whether it closed in order.
    pub async fn read_to_end(&mut self) -> (Vec<u8>, io::Result<()>) {
        let mut bytes = Vec::new();
        let result = patient(self.stream.read_to_end(&mut bytes)).await;
        (bytes, result.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map(drop))
    }

    /// Waits until the gateway has closed the connection, in order or not, without another byte.
    ///
    /// # Panics
    /// When bytes come or when it stays open.
    pub async fn expect_closed(&mut self) {
        let (bytes, result) = self.read_to_end().await;
        assert!(bytes.is_empty(), "bytes after the last response: {:?}", String::from_utf8_lossy(&bytes));
        let open = result.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut);
        assert!(!open, "the gateway did not close the connection");
    }

    /// Whether nothing comes, not even an end, for that long.
    pub async fn is_silent_for(&mut self, duration: Duration) -> bool {
        tokio::time::timeout(duration, self.stream.fill_buf()).await.is_err()
    }

    /// The address the gateway sees.
    pub fn local_address(&self) -> SocketAddr {
        self.stream.get_ref().local_addr().expect("a connected socket has an address")
    }

    /// Ends the sending side; answers can still be read.
    pub async fn half_close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Leaves with a reset instead of an orderly end.
    pub fn reset(self) {
        SockRef::from(self.stream.get_ref())
            .set_linger(Some(Duration::ZERO))
            .expect("a TCP socket knows SO_LINGER");
    }

    async fn begin_chunk(&mut self) -> Result<(), ResponseError> {
        let line = self.read_line().await?.ok_or(ResponseError::Closed)?;
        self.remaining = match chunk_size(&line)? {
            0 => {
                let lines = self.read_lines().await?.ok_or(ResponseError::Closed)?;
                self.trailers = parse_fields(&lines)?;
                Remaining::Nothing
            }
            size => Remaining::ChunkBytes(size),
        };
        Ok(())
    }

    async fn end_chunk(&mut self) -> Result<(), ResponseError> {
        let line = self.read_line().await?.ok_or(ResponseError::Closed)?;
        self.remaining = Remaining::ChunkSize;
        if line.is_empty() { Ok(()) } else { Err(malformed("bytes after a chunk", &line)) }
    }

    /// Lines up to an empty one, which is left out; `None` when the connection ended first.
    async fn read_lines(&mut self) -> Result<Option<Vec<Vec<u8>>>, ResponseError> {
        let mut lines = Vec::new();
        loop {
            match self.read_line().await? {
                Some(line) if line.is_empty() => return Ok(Some(lines)),
                Some(line) => lines.push(line),
                None => return Ok(None),
            }
        }
    }

    async fn read_line(&mut self) -> Result<Option<Vec<u8>>, ResponseError> {
        let mut line = Vec::new();
        patient(self.stream.read_until(b'\n', &mut line)).await??;
        if line.ends_with(b"\n") { strip_crlf(line).map(Some) } else { Ok(None) }
    }

    async fn take(&mut self, limit: u64) -> Result<Option<Vec<u8>>, ResponseError> {
        let available = patient(self.stream.fill_buf()).await??;
        let count = usize::try_from(limit).map_or(available.len(), |limit| limit.min(available.len()));
        let part = available[..count].to_vec();
        self.stream.consume(count);
        Ok(Some(part).filter(|part| !part.is_empty()))
    }
}

async fn patient<T>(work: impl Future<Output = T>) -> Result<T, ResponseError> {
    tokio::time::timeout(PATIENCE, work).await.map_err(|_| ResponseError::Silence)
}
