//! A PocketBase, as far as somebody in front of it can tell.

use std::collections::HashMap;
use std::io;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::behaviour::Behaviour;
use super::ledger::{ReceivedBody, RequestHead};
use super::peer::Peer;
use super::reply::Reply;
use super::sse::HEAD as STREAM_HEAD;

/// Knows some tokens, opens realtime streams, has a page at `/_/`, and describes every other request as
/// [`Echo`](super::Echo) does.
///
/// A stream says `PB_CONNECT` at once, and tells of one change with every `POST /api/realtime`.
pub struct PocketBase {
    owners: HashMap<String, Value>,
    changes: watch::Sender<u32>,
}

impl Default for PocketBase {
    fn default() -> Self {
        Self { owners: HashMap::new(), changes: watch::Sender::new(0) }
    }
}

impl PocketBase {
    /// Has a token belong to that record.
    #[must_use]
    pub fn token(mut self, token: &str, record: Value) -> Self {
        self.owners.insert(token.to_owned(), record);
        self
    }

    async fn answer(&self, peer: &mut Peer, head: &RequestHead, body: &ReceivedBody) -> io::Result<()> {
        let (path, _) = head.target.split_once('?').unwrap_or((&head.target, ""));
        match (head.method.as_str(), path) {
            ("GET", "/_/") => send(peer, 200, "text/html; charset=utf-8", PAGE).await,
            ("GET", "/api/realtime") => self.stream(peer).await,
            ("POST", "/api/realtime") => {
                self.changes.send_modify(|count| *count += 1);
                peer.send("HTTP/1.1 204 No Content\r\n\r\n").await
            }
            ("POST", path) if path.ends_with("/auth-refresh") => self.refresh(peer, head).await,
            _ => {
                let description = Reply::to(head, body).description.unwrap_or_default();
                send(peer, 200, "application/json", &description).await
            }
        }
    }

    async fn refresh(&self, peer: &mut Peer, head: &RequestHead) -> io::Result<()> {
        let token = head.headers.value("authorization").unwrap_or_default();
        match self.owners.get(token) {
            Some(record) => {
                let answer = json!({"record": record, "token": "a fresh one"}).to_string();
                send(peer, 200, "application/json", &answer).await
            }
            None => send(peer, 401, "application/json", REFUSED).await,
        }
    }

    async fn stream(&self, peer: &mut Peer) -> io::Result<()> {
        let mut changes = self.changes.subscribe();
        peer.send(STREAM_HEAD).await?;
        peer.send_chunk("id:client\nevent:PB_CONNECT\ndata:{\"clientId\":\"client\"}\n\n").await?;
        while changes.changed().await.is_ok() {
            let event = "id:client\nevent:posts/*\ndata:{\"action\":\"create\",\"record\":{}}\n\n";
            peer.send_chunk(event).await?;
        }
        Ok(())
    }
}

impl Behaviour for PocketBase {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        while let Some((head, body)) = peer.read_request().await? {
            self.answer(&mut peer, &head, &body).await?;
        }
        Ok(())
    }
}

async fn send(peer: &mut Peer, status: u16, content_type: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n");
    peer.send(head + body).await
}

const PAGE: &str = "<!doctype html><title>PocketBase</title>";
const REFUSED: &str =
    r#"{"data":{},"message":"The request requires valid record authorization token.","status":401}"#;
