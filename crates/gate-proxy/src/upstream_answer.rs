//! What an upstream's answer says about the upstream.

use gate_http::ResponseHead;
use http::HeaderMap;
use std::time::Duration;

/// What an upstream's answer says about the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UpstreamAnswer {
    /// Its status.
    pub(crate) status: u16,
    /// How long it wants to be left alone (RFC 9110 §10.2.3); looked for where it means that. A date is not understood.
    pub(crate) retry_after: Option<Duration>,
}

impl UpstreamAnswer {
    /// Of an HTTP/1.1 head.
    pub(crate) fn of(head: &ResponseHead, bytes: &[u8]) -> Self {
        let status = head.status();
        let retry_after = || {
            let is_wanted = |name: &[u8]| name.eq_ignore_ascii_case(b"Retry-After");
            let line = head.fields().iter().find(|line| is_wanted(line.name.of(bytes)))?;
            seconds(line.value.of(bytes))
        };
        UpstreamAnswer { status, retry_after: if may_ask(status) { retry_after() } else { None } }
    }

    /// Of an HTTP/2 head.
    pub(crate) fn of_http2(status: u16, headers: &HeaderMap) -> Self {
        let retry_after = || seconds(headers.get(http::header::RETRY_AFTER)?.as_bytes());
        UpstreamAnswer { status, retry_after: if may_ask(status) { retry_after() } else { None } }
    }
}

fn may_ask(status: u16) -> bool {
    matches!(status, 429 | 503)
}

fn seconds(value: &[u8]) -> Option<Duration> {
    str::from_utf8(value).ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate_http::{Method, Progress};

    #[track_caller]
    fn check(head: &str, status: u16, retry_after: Option<u64>) {
        let mut parsed = ResponseHead::new();
        assert!(matches!(parsed.parse(head.as_bytes(), Method::Get), Ok(Progress::Complete { .. })));
        let retry_after = retry_after.map(Duration::from_secs);
        assert_eq!(UpstreamAnswer::of(&parsed, head.as_bytes()), UpstreamAnswer { status, retry_after });
    }

    #[test]
    fn a_wait_is_taken_from_answers_that_ask_for_one() {
        check("HTTP/1.1 503 x\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n", 503, Some(7));
        check("HTTP/1.1 429 x\r\nRetry-After:  12 \r\nContent-Length: 0\r\n\r\n", 429, Some(12));
        check("HTTP/1.1 503 x\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", 503, None);
        check("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", 503, None);
        check("HTTP/1.1 200 x\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 200, None);
    }
}
