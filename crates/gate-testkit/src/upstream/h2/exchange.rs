//! One request on a stream, and its answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use sha2::{Digest, Sha256};

use super::behaviour::H2Behaviour;
use crate::pattern::hex;
use crate::upstream::ledger::{Ledger, ReceivedBody, RequestHead};
use crate::upstream::reply::Reply;
use crate::wire::{Fields, latin1};

/// Long enough for an event to arrive before the next one is written, short enough for a test.
const TICK: Duration = Duration::from_millis(100);

/// One open stream.
pub(super) struct Exchange {
    pub(super) ledger: Arc<Ledger>,
    pub(super) connection: usize,
    pub(super) behaviour: H2Behaviour,
    pub(super) _open: Arc<()>,
}

impl Exchange {
    /// Serves it to its end. An error means that the other side gave it up.
    pub(super) async fn answer(
        self,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) -> Result<(), h2::Error> {
        let (parts, incoming) = request.into_parts();
        let head = request_head(&parts);
        let place = self.ledger.head_arrived(self.connection, head.clone());
        if self.behaviour == H2Behaviour::Refuse {
            respond.send_reset(Reason::REFUSED_STREAM);
            return Ok(());
        }
        let body = read_body(incoming).await?;
        self.ledger.body_arrived(place, body.clone());
        let reply = Reply::to(&head, &body);
        let with_length = response(&reply, &body.sha256, Some(reply.length));
        match self.behaviour {
            H2Behaviour::Refuse => Ok(()),
            H2Behaviour::UnavailableTwice if place < 2 => {
                let mut unavailable = Response::new(());
                *unavailable.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                respond.send_response(unavailable, true).map(drop)
            }
            H2Behaviour::Stall => std::future::poll_fn(|cx| respond.poll_reset(cx)).await.map(drop),
            H2Behaviour::SilentEvents => {
                let mut stream = respond.send_response(event_stream(), false)?;
                std::future::poll_fn(|cx| stream.poll_reset(cx)).await.map(drop)
            }
            H2Behaviour::ResetInBody => {
                let mut stream = respond.send_response(with_length, false)?;
                send(&mut stream, Bytes::from_static(b"half")).await?;
                stream.send_reset(Reason::INTERNAL_ERROR);
                Ok(())
            }
            H2Behaviour::Tick => {
                tick(respond.send_response(response(&reply, &body.sha256, None), false)?).await
            }
            H2Behaviour::EarlyHints => {
                respond.send_informational(early_hints())?;
                send_body(&mut respond.send_response(with_length, false)?, &reply, None).await
            }
            H2Behaviour::Echo | H2Behaviour::UnavailableTwice
                if head.method == "HEAD" || reply.length == 0 =>
            {
                respond.send_response(with_length, true).map(drop)
            }
            H2Behaviour::Echo | H2Behaviour::UnavailableTwice => {
                send_body(&mut respond.send_response(with_length, false)?, &reply, None).await
            }
            H2Behaviour::EchoWithTrailers => {
                let without_length = response(&reply, &body.sha256, None);
                send_body(&mut respond.send_response(without_length, false)?, &reply, Some(trailers())).await
            }
        }
    }
}

fn event_stream() -> Response<()> {
    let mut head = Response::new(());
    let value = HeaderValue::from_static("text/event-stream; charset=utf-8");
    head.headers_mut().insert(http::header::CONTENT_TYPE, value);
    head
}

fn early_hints() -> Response<()> {
    let mut hints = Response::new(());
    *hints.status_mut() = StatusCode::EARLY_HINTS;
    hints.headers_mut().insert(http::header::LINK, HeaderValue::from_static("</a.css>; rel=preload"));
    hints
}

async fn tick(mut stream: SendStream<Bytes>) -> Result<(), h2::Error> {
    loop {
        send(&mut stream, Bytes::from_static(b"data: tick\n\n")).await?;
        let gone = tokio::time::timeout(TICK, std::future::poll_fn(|cx| stream.poll_reset(cx)));
        if let Ok(reason) = gone.await {
            return reason.map(drop);
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

fn response(reply: &Reply, request_sha256: &str, length: Option<u64>) -> Response<()> {
    let builder = Response::builder()
        .status(reply.status)
        .header("content-type", reply.content_type)
        .header("x-body-sha256", request_sha256);
    let builder =
        length.into_iter().fold(builder, |builder, length| builder.header("content-length", length));
    builder.body(()).expect("status and fields are valid")
}

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("x-checksum"), HeaderValue::from_static("done"))])
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
