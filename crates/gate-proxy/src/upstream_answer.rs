//! What an upstream's answer says about the upstream.

use gate_http::ResponseHead;
use http::HeaderMap;
use std::time::{Duration, SystemTime};

/// What an upstream's answer says about the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UpstreamAnswer {
    /// Its status.
    pub(crate) status: u16,
    /// How long it wants to be left alone (RFC 9110 §10.2.3); looked for where it means that.
    pub(crate) retry_after: Option<Duration>,
}

impl UpstreamAnswer {
    /// Of an HTTP/1.1 head.
    pub(crate) fn of(head: &ResponseHead, bytes: &[u8]) -> Self {
        let status = head.status();
        let retry_after = || {
            let is_wanted = |name: &[u8]| name.eq_ignore_ascii_case(b"Retry-After");
            let line = head.fields().iter().find(|line| is_wanted(line.name.of(bytes)))?;
            wait(line.value.of(bytes))
        };
        UpstreamAnswer { status, retry_after: if may_ask(status) { retry_after() } else { None } }
    }

    /// Of an HTTP/2 head.
    pub(crate) fn of_http2(status: u16, headers: &HeaderMap) -> Self {
        let retry_after = || wait(headers.get(http::header::RETRY_AFTER)?.as_bytes());
        UpstreamAnswer { status, retry_after: if may_ask(status) { retry_after() } else { None } }
    }
}

fn may_ask(status: u16) -> bool {
    matches!(status, 429 | 503)
}

/// Seconds, or a date, for which the clock of the wall is asked; one that has passed asks for nothing.
fn wait(value: &[u8]) -> Option<Duration> {
    let value = str::from_utf8(value).ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).ok()
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
    fn a_date_is_a_wait_as_well() {
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        let asked = wait(date.as_bytes()).unwrap();
        assert!(asked > Duration::from_secs(90) && asked <= Duration::from_secs(100), "{asked:?}");
    }

    #[test]
    fn a_wait_is_taken_from_answers_that_ask_for_one() {
        check("HTTP/1.1 503 x\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n", 503, Some(7));
        check("HTTP/1.1 429 x\r\nRetry-After:  12 \r\nContent-Length: 0\r\n\r\n", 429, Some(12));
        check("HTTP/1.1 503 x\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", 503, None);
        check("HTTP/1.1 503 x\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n", 503, None);
        check("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", 503, None);
        check("HTTP/1.1 200 x\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 200, None);
    }
}
