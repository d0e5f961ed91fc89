//! The well-behaved upstream.

use std::io;

use bytes::Bytes;

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
            let reply_head = response_head(&reply, &body.sha256).into_bytes();
            if head.method == "HEAD" {
                peer.send(reply_head).await?;
            } else {
                send_response(&mut peer, reply_head, &reply).await?;
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

/// Head and first block leave in one write, as from any server worth measuring against.
async fn send_response(peer: &mut Peer, head: Vec<u8>, reply: &Reply) -> io::Result<()> {
    let chunked = reply.framing == ReplyFraming::Chunked;
    let description = reply.description.iter().map(|text| Bytes::from(text.clone()));
    let mut unsent = head;
    for block in description.chain(reply.content.clone()) {
        if chunked {
            unsent.extend_from_slice(format!("{:x}\r\n", block.len()).as_bytes());
        }
        unsent.extend_from_slice(&block);
        if chunked {
            unsent.extend_from_slice(b"\r\n");
        }
        peer.send(&unsent).await?;
        unsent.clear();
    }
    if chunked {
        unsent.extend_from_slice(b"0\r\n\r\n");
    }
    peer.send(&unsent).await
}
