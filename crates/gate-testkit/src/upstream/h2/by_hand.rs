//! An HTTP/2 upstream whose every frame the test sends itself.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::deadline::{PATIENCE, within};
use crate::upstream::TestAuthority;

/// Listens with TLS, negotiates `h2` and hands each connection to the test.
pub struct H2ByHand {
    listener: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
}

impl H2ByHand {
    /// Listens on IPv4 loopback with a certificate of `authority`.
    pub async fn start(authority: &TestAuthority) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        Self { listener, address, tls: authority.acceptor(&[b"h2"]) }
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The next connection, ready for its first request.
    pub async fn accept(&self) -> H2Peer {
        let accepting = async {
            let (socket, _) = self.listener.accept().await?;
            let mut peer = H2Peer { stream: self.tls.accept(socket).await? };
            peer.stream.read_exact(&mut [0; PREFACE_LENGTH]).await?;
            peer.send(SETTINGS, 0, 0, &[]).await?;
            Ok::<_, io::Error>(peer)
        };
        within(PATIENCE, accepting).await.expect("a client of HTTP/2 connects")
    }
}

/// The upstream's end of one connection. It says nothing unasked, and answers a PING only while it waits for a request.
///
/// Dropping it closes the connection.
pub struct H2Peer {
    stream: TlsStream<TcpStream>,
}

/// A request that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct H2Request {
    /// The stream it came on.
    pub stream: u32,
    /// Its body.
    pub body: Vec<u8>,
}

impl H2Peer {
    /// Reads the next request to its end; only one may be on its way.
    pub async fn request(&mut self) -> H2Request {
        within(PATIENCE, self.read_request()).await.expect("a request comes")
    }

    /// Answers with a body.
    pub async fn answer(&mut self, stream: u32, body: &str) -> io::Result<()> {
        self.head(stream, "200", &[]).await?;
        self.data(stream, body).await
    }

    /// Sends a body, or the last of one.
    pub async fn data(&mut self, stream: u32, body: &str) -> io::Result<()> {
        self.send(DATA, END_STREAM, stream, body.as_bytes()).await
    }

    /// Sends a head, of a final response or an interim one, whose fields may be anything.
    pub async fn head(&mut self, stream: u32, status: &str, fields: &[(&str, &str)]) -> io::Result<()> {
        let mut block = Vec::new();
        for (name, value) in [(":status", status)].iter().chain(fields) {
            // A literal that is not indexed, with a new name (RFC 7541 §6.2.2).
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).expect("it is short"));
                block.extend(text.as_bytes());
            }
        }
        self.send(HEADERS, END_HEADERS, stream, &block).await
    }

    /// Resets a stream with this error code (RFC 9113 §7).
    pub async fn reset(&mut self, stream: u32, code: u32) -> io::Result<()> {
        self.send(RST_STREAM, 0, stream, &code.to_be_bytes()).await
    }

    /// Says that it goes away without an error, and which stream is the last it has looked at (RFC 9113 §6.8).
    pub async fn go_away(&mut self, last: u32) -> io::Result<()> {
        self.send(GOAWAY, 0, 0, &[last.to_be_bytes(), [0; 4]].concat()).await
    }

    async fn read_request(&mut self) -> io::Result<H2Request> {
        let mut body = Vec::new();
        loop {
            let frame = self.frame().await?;
            match frame.kind {
                SETTINGS if frame.flags & ACK == 0 => self.send(SETTINGS, ACK, 0, &[]).await?,
                PING if frame.flags & ACK == 0 => self.send(PING, ACK, 0, &frame.payload).await?,
                DATA => body.extend(&frame.payload),
                _ => {}
            }
            if matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0 {
                return Ok(H2Request { stream: frame.stream, body });
            }
        }
    }

    async fn frame(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await?;
        let [high, middle, low, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        self.stream.read_exact(&mut payload).await?;
        Ok(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).expect("a frame is short").to_be_bytes();
        let frame = [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat();
        self.stream.write_all(&frame).await?;
        self.stream.flush().await
    }
}

/// A frame (RFC 9113 §4.1).
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

const PREFACE_LENGTH: usize = 24;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
