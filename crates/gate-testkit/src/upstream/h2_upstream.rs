//! An upstream that speaks HTTP/2 over TLS.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::ledger::{Ledger, ReceivedBody, RequestHead};
use super::listening::OpenConnection;
use super::reply::Reply;
use super::tls::TestAuthority;
use crate::pattern::hex;
use crate::wire::{Fields, latin1};

/// What an HTTP/2 upstream does with a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum H2Behaviour {
    /// Answers as [`Echo`](super::Echo) does.
    #[default]
    Echo,
    /// Answers as `Echo` does, with a trailer field `X-Checksum: done` after the body.
    EchoWithTrailers,
    /// Sends a head and half of the promised body, then resets the stream.
    ResetInBody,
    /// Refuses the stream before it did any work (REFUSED_STREAM).
    Refuse,
    /// Answers nothing until the stream is gone.
    Stall,
}

/// Listens with TLS and negotiates `h2`; dropping it closes the port and all connections.
pub struct H2Upstream {
    /// What it has seen; a connection's number is that of its TCP connection.
    pub ledger: Arc<Ledger>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl H2Upstream {
    /// Listens on IPv4 loopback with a certificate of `authority`.
    pub async fn start(authority: &TestAuthority, behaviour: H2Behaviour) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let ledger = Arc::new(Ledger::default());
        let accepting = tokio::spawn(accept(
            listener,
            authority.acceptor(&[b"h2", b"http/1.1"]),
            Arc::clone(&ledger),
            behaviour,
        ));
        Self { ledger, address, accepting }
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for H2Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, ledger: Arc<Ledger>, behaviour: H2Behaviour) {
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.expect("the test has descriptors left");
        let number = ledger.connection_opened();
        let open = OpenConnection(Arc::clone(&ledger));
        connections.spawn(serve(socket, tls.clone(), number, open, behaviour));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(
    socket: TcpStream,
    tls: TlsAcceptor,
    number: usize,
    open: OpenConnection,
    behaviour: H2Behaviour,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let stream = tls.accept(socket).await?;
    let mut connection = h2::server::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .handshake(stream)
        .await
        .map_err(io::Error::other)?;
    let mut streams = JoinSet::new();
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted.map_err(io::Error::other)?;
        let ledger = Arc::clone(&open.0);
        streams.spawn(async move { answer(request, respond, &ledger, number, behaviour).await });
        while streams.try_join_next().is_some() {}
    }
    Ok(())
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    ledger: &Ledger,
    connection: usize,
    behaviour: H2Behaviour,
) -> Result<(), h2::Error> {
    let (parts, incoming) = request.into_parts();
    let head = request_head(&parts);
    let place = ledger.head_arrived(connection, head.clone());
    if behaviour == H2Behaviour::Refuse {
        respond.send_reset(Reason::REFUSED_STREAM);
        return Ok(());
    }
    let body = read_body(incoming).await?;
    ledger.body_arrived(place, body.clone());
    let reply = Reply::to(&head, &body);
    match behaviour {
        H2Behaviour::Stall => std::future::poll_fn(|cx| respond.poll_reset(cx)).await.map(drop),
        H2Behaviour::ResetInBody => {
            let mut stream = respond.send_response(response(&reply, &body.sha256), false)?;
            send(&mut stream, Bytes::from_static(b"half")).await?;
            stream.send_reset(Reason::INTERNAL_ERROR);
            Ok(())
        }
        H2Behaviour::Echo | H2Behaviour::EchoWithTrailers | H2Behaviour::Refuse => {
            let trailers = (behaviour == H2Behaviour::EchoWithTrailers).then(trailers);
            let bodiless = head.method == "HEAD" || (reply.length == 0 && trailers.is_none());
            let mut stream = respond.send_response(response(&reply, &body.sha256), bodiless)?;
            if bodiless { Ok(()) } else { send_body(&mut stream, &reply, trailers).await }
        }
    }
}

fn request_head(parts: &http::request::Parts) -> RequestHead {
    let target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let mut headers = Fields::default();
    if let Some(authority) = parts.uri.authority() {
        headers.push(":authority", authority.as_str());
    }
    append(&mut headers, &parts.headers);
    RequestHead { method: parts.method.to_string(), target, version: "HTTP/2.0".to_owned(), headers }
}

fn append(fields: &mut Fields, map: &HeaderMap) {
    for (name, value) in map {
        fields.push(name.as_str(), latin1(value.as_bytes()));
    }
}

async fn read_body(mut incoming: RecvStream) -> Result<ReceivedBody, h2::Error> {
    let (mut length, mut hash) = (0, Sha256::new());
    while let Some(frame) = incoming.data().await {
        let frame = frame?;
        length += frame.len() as u64;
        hash.update(&frame);
        incoming.flow_control().release_capacity(frame.len())?;
    }
    let mut trailers = Fields::default();
    append(&mut trailers, &incoming.trailers().await?.unwrap_or_default());
    Ok(ReceivedBody { length, sha256: hex(&hash.finalize()), trailers })
}

fn response(reply: &Reply, request_sha256: &str) -> Response<()> {
    Response::builder()
        .status(reply.status)
        .header("content-type", reply.content_type)
        .header("x-body-sha256", request_sha256)
        .header("content-length", reply.length)
        .body(())
        .expect("status and fields are valid")
}

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(
        http::HeaderName::from_static("x-checksum"),
        http::HeaderValue::from_static("done"),
    )])
}

async fn send_body(
    stream: &mut SendStream<Bytes>,
    reply: &Reply,
    trailers: Option<HeaderMap>,
) -> Result<(), h2::Error> {
    let description = reply.description.iter().map(|text| Bytes::from(text.clone()));
    for block in description.chain(reply.content.clone()) {
        send(stream, block).await?;
    }
    match trailers {
        Some(trailers) => stream.send_trailers(trailers),
        None => stream.send_data(Bytes::new(), true),
    }
}

/// Sends within the window the other side grants: the test exerts back-pressure as a service would.
async fn send(stream: &mut SendStream<Bytes>, mut block: Bytes) -> Result<(), h2::Error> {
    while !block.is_empty() {
        stream.reserve_capacity(block.len());
        let granted = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
        let count = granted.unwrap_or(Err(h2::Error::from(Reason::CANCEL)))?;
        stream.send_data(block.split_to(count.min(block.len())), false)?;
    }
    Ok(())
}

/// What servers that are meant for uploads grant; with the protocol's 64 KiB for all streams together, a starved
/// machine makes a megabyte take seconds.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;
