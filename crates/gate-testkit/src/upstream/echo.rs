//! The well-behaved upstream.

use std::io;

use super::behaviour::Behaviour;
use super::peer::Peer;
use super::reply::{Reply, ReplyFraming};

/// Keeps the connection alive and answers every request with what arrived.
///
/// The body is JSON (`method`, `target`, `version`, `headers` in order, `body_length`, `sha256`,
/// `trailers`) unless the query asks for another answer: `status=418`, `bytes=1000&seed=7` for a
/// [`Pattern`](crate::Pattern), `framing=length|chunked|close`. The header `X-Body-Sha256` always
/// carries the hash of the request body.
pub struct Echo;

impl Behaviour for Echo {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        while let Some(head) = peer.read_head().await? {
            if head.headers.has("expect") {
                peer.send("HTTP/1.1 100 Continue\r\n\r\n").await?;
            }
            let body = peer.read_body(&head).await?;
            let reply = Reply::to(&head, &body);
            peer.send(response_head(&reply, &body.sha256)).await?;
            if head.method != "HEAD" {
                send_body(&mut peer, &reply).await?;
            }
            if reply.framing == ReplyFraming::Close {
                break;
            }
        }
        Ok(())
    }
}

fn response_head(reply: &Reply, request_sha256: &str) -> String {
    let Reply { status, content_type, length, .. } = reply;
    let framing = match reply.framing {
        ReplyFraming::Length => format!("Content-Length: {length}\r\n"),
        ReplyFraming::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
        ReplyFraming::Close => "Connection: close\r\n".to_owned(),
    };
    format!(
        "HTTP/1.1 {status} Echo\r\nContent-Type: {content_type}\r\nX-Body-Sha256: {request_sha256}\r\n{framing}\r\n"
    )
}

async fn send_body(peer: &mut Peer, reply: &Reply) -> io::Result<()> {
    let chunked = reply.framing == ReplyFraming::Chunked;
    let description = reply.description.iter().map(|text| bytes::Bytes::from(text.clone()));
    for block in description.chain(reply.content.clone()) {
        if chunked {
            peer.send_chunk(block).await?;
        } else {
            peer.send(block).await?;
        }
    }
    if chunked { peer.send("0\r\n\r\n").await } else { Ok(()) }
}
