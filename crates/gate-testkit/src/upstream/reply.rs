//! The answer a request asks for in its query.

use std::str::FromStr;

use super::ledger::{ReceivedBody, RequestHead};
use crate::pattern::Pattern;

/// How the answer's body is delimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ReplyFraming {
    /// `Content-Length`.
    #[default]
    Length,
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// Neither: the end of the connection ends the body.
    Close,
}

/// What [`Echo`](super::Echo) and [`H2Upstream`](super::H2Upstream) answer.
///
/// The query of the target may ask for a status (`status=418`), for a pattern body
/// (`bytes=1000&seed=7`) and for a framing (`framing=length|chunked|close`). Without `bytes` the
/// body is JSON that describes the request.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) framing: ReplyFraming,
    pub(super) content_type: &'static str,
    pub(super) content: Pattern,
    pub(super) description: Option<String>,
    pub(super) length: u64,
}

impl Reply {
    /// The answer to a request.
    pub(super) fn to(head: &RequestHead, body: &ReceivedBody) -> Self {
        let status = parameter(&head.target, "status").unwrap_or(200);
        let framing = parameter(&head.target, "framing").unwrap_or_default();
        let bytes: Option<u64> = parameter(&head.target, "bytes");
        let description = bytes.is_none().then(|| describe(head, body));
        let length = bytes.or(description.as_ref().map(|text| text.len() as u64)).unwrap_or(0);
        let content = Pattern::new(parameter(&head.target, "seed").unwrap_or(0), bytes.unwrap_or(0));
        let content_type = if bytes.is_some() { "application/octet-stream" } else { "application/json" };
        Self { status, framing, content_type, content, description, length }
    }
}

impl FromStr for ReplyFraming {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "length" => Ok(Self::Length),
            "chunked" => Ok(Self::Chunked),
            "close" => Ok(Self::Close),
            _ => Err(()),
        }
    }
}

fn parameter<T: FromStr>(target: &str, name: &str) -> Option<T> {
    let (_, query) = target.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).and_then(|(_, value)| value.parse().ok())
}

fn describe(head: &RequestHead, body: &ReceivedBody) -> String {
    let headers: Vec<_> = head.headers.iter().collect();
    let trailers: Vec<_> = body.trailers.iter().collect();
    serde_json::json!({
        "method": head.method,
        "target": head.target,
        "version": head.version,
        "headers": headers,
        "body_length": body.length,
        "sha256": body.sha256,
        "trailers": trailers,
    })
    .to_string()
}
