//! What the upstream answers, rendered once.

use std::time::Duration;

use crate::message::Head;

const KIB: usize = 1024;
const CHUNKS: usize = 100;
/// One write of the 10 MiB response: few system calls, and small enough to stay in the cache.
const BLOCK_BYTES: usize = 256 * KIB;
const BLOCKS: usize = 10 * KIB * KIB / BLOCK_BYTES;
/// Events per second of a stream that names no rate.
const EVENTS_PER_SECOND_DEFAULT: u32 = 20;

/// What a request asks for; only the last path segment counts, so proxies may keep their prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `GET …/1k` or any POST: 1 KiB of JSON, after `delay=` milliseconds.
    OneKibibyte {
        delay: Duration,
    },
    /// `GET …/chunks`: 100 chunks of 1 KiB.
    Chunks,
    /// `GET …/10m`: 10 MiB with a length.
    TenMebibytes,
    /// `GET …/sse?rate=N`: N events a second until the reader goes away.
    Events {
        per_second: u32,
    },
    /// `GET …/sse?rate=max`: the next event as soon as the connection takes it.
    EventsAtOnce,
    /// `…/chat?first=MS&gap=MS&events=N`: the tokens of one answer of a model.
    Completion(Completion),
    /// `…/never`: no answer, for as long as the client waits.
    Never,
    /// `GET …/statistics`: what the upstream has seen, as JSON.
    Statistics,
    NotFound,
}

/// When the tokens of an answer come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    /// Until the head and the first event.
    pub first: Duration,
    /// From one event to the next.
    pub gap: Duration,
    pub events: u32,
}

impl Route {
    pub(crate) fn of(head: &Head<'_>) -> Self {
        let Some((method, target)) = head.method_and_target() else { return Self::NotFound };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match (method, path.rsplit('/').next()) {
            (_, Some("chat")) => Self::Completion(Completion::asked_for(query)),
            (_, Some("never")) => Self::Never,
            ("POST", _) | ("GET", Some("1k")) => Self::OneKibibyte { delay: milliseconds(query, "delay=") },
            ("GET", Some("chunks")) => Self::Chunks,
            ("GET", Some("10m")) => Self::TenMebibytes,
            ("GET", Some("sse")) if query == "rate=max" => Self::EventsAtOnce,
            ("GET", Some("sse")) => {
                Self::Events { per_second: number(query, "rate=").unwrap_or(EVENTS_PER_SECOND_DEFAULT) }
            }
            ("GET", Some("statistics")) => Self::Statistics,
            _ => Self::NotFound,
        }
    }
}

impl Completion {
    fn asked_for(query: &str) -> Self {
        Self {
            first: milliseconds(query, "first="),
            gap: milliseconds(query, "gap="),
            events: number(query, "events=").unwrap_or(1),
        }
    }
}

fn milliseconds(query: &str, key: &str) -> Duration {
    Duration::from_millis(number(query, key).unwrap_or(0).into())
}

fn number(query: &str, key: &str) -> Option<u32> {
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.parse().ok())
}

/// The rendered responses, shared by all connections.
#[derive(Debug)]
pub(crate) struct Replies {
    pub one_kibibyte: Vec<u8>,
    pub chunks: Vec<u8>,
    pub ten_mebibytes_head: Vec<u8>,
    pub block: Vec<u8>,
    pub events_head: Vec<u8>,
    pub not_found: Vec<u8>,
}

impl Replies {
    /// How often [`Replies::block`] is sent after [`Replies::ten_mebibytes_head`].
    pub(crate) const BLOCKS: usize = BLOCKS;

    pub(crate) fn render() -> Self {
        Self {
            one_kibibyte: with_length("200 OK", &json_of(KIB)),
            chunks: chunked(),
            ten_mebibytes_head: head("200 OK", &format!("Content-Length: {}", BLOCKS * BLOCK_BYTES)),
            block: vec![b'x'; BLOCK_BYTES],
            events_head: events_head(),
            not_found: with_length("404 Not Found", b"{}"),
        }
    }
}

fn head(status: &str, framing: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n").into_bytes()
}

fn events_head() -> Vec<u8> {
    let lines = "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked";
    format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n").into_bytes()
}

pub(super) fn with_length(status: &str, body: &[u8]) -> Vec<u8> {
    let head = head(status, &format!("Content-Length: {}", body.len()));
    [head.as_slice(), body].concat()
}

fn json_of(length: usize) -> Vec<u8> {
    let (open, close) = ("{\"text\":\"", "\"}");
    format!("{open}{}{close}", "x".repeat(length - open.len() - close.len())).into_bytes()
}

fn chunked() -> Vec<u8> {
    let chunk = [b"400\r\n".as_slice(), &json_of(KIB), b"\r\n"].concat();
    [head("200 OK", "Transfer-Encoding: chunked"), chunk.repeat(CHUNKS), b"0\r\n\r\n".to_vec()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Body, parse_head};

    #[track_caller]
    fn check(request_line: &str, expected: Route) {
        let request = format!("{request_line} HTTP/1.1\r\n\r\n");
        assert_eq!(Route::of(&parse_head(request.as_bytes()).unwrap().unwrap()), expected);
    }

    #[track_caller]
    fn payload_bytes(reply: &[u8]) -> usize {
        let head = parse_head(reply).unwrap().unwrap();
        let (mut body, mut bytes) = (Body::of_response(&head), 0);
        let taken = body.feed(&reply[head.length..], |piece| bytes += piece.len()).unwrap();
        assert!(body.is_complete());
        assert_eq!(head.length + taken, reply.len());
        bytes
    }

    #[test]
    fn the_last_path_segment_chooses_the_reply() {
        let at_once = Route::OneKibibyte { delay: Duration::ZERO };
        check("GET /1k", at_once);
        check("GET /b/1k", at_once);
        check("POST /whatever", at_once);
        check("GET /b/1k?delay=20", Route::OneKibibyte { delay: Duration::from_millis(20) });
        check("GET /b/chunks?x", Route::Chunks);
        check("GET /b/10m", Route::TenMebibytes);
        check("GET /b/sse?rate=100", Route::Events { per_second: 100 });
        check("GET /sse", Route::Events { per_second: 20 });
        check("GET /sse?rate=max", Route::EventsAtOnce);
        check("GET /never", Route::Never);
        check("GET /statistics", Route::Statistics);
        check("GET /", Route::NotFound);
    }

    #[test]
    fn the_query_says_when_tokens_come() {
        let (first, gap) = (Duration::from_millis(20), Duration::from_millis(10));
        check(
            "POST /b/chat?first=20&gap=10&events=25",
            Route::Completion(Completion { first, gap, events: 25 }),
        );
    }

    #[test]
    fn replies_carry_the_bytes_their_names_promise() {
        let replies = Replies::render();
        assert_eq!(payload_bytes(&replies.one_kibibyte), 1024);
        assert_eq!(payload_bytes(&replies.chunks), 100 * 1024);
        let head = parse_head(&replies.ten_mebibytes_head).unwrap().unwrap();
        assert_eq!(head.content_length, Some(10 * 1024 * 1024));
        assert_eq!(Replies::BLOCKS * replies.block.len(), 10 * 1024 * 1024);
    }
}
