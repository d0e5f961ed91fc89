//! One server-sent event of the size and shape of a chat token, with the moment it was written.

use std::ops::Range;

use memchr::memmem;

const SENT_KEY: &str = "\"sent_ns\":";
/// Nanoseconds since 1970 have this many digits until the year 2286.
const SENT_DIGITS: usize = 19;

/// An event with its chunk framing, of which only the time changes.
#[derive(Debug)]
pub(crate) struct EventTemplate {
    bytes: Vec<u8>,
    sent: Range<usize>,
}

impl EventTemplate {
    pub(crate) fn new() -> Self {
        let event = format!(
            "data: {{\"id\":\"chatcmpl-benchmark\",\"object\":\"chat.completion.chunk\",{SENT_KEY}{}\
             ,\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" token\"}},\"finish_reason\":null}}]}}\n\n",
            "0".repeat(SENT_DIGITS)
        );
        let bytes = format!("{:x}\r\n{event}\r\n", event.len()).into_bytes();
        let start = memmem::find(&bytes, SENT_KEY.as_bytes()).unwrap_or(0) + SENT_KEY.len();
        Self { bytes, sent: start..start + SENT_DIGITS }
    }

    /// The event's bytes with `sent_ns` in them.
    pub(crate) fn stamped(&mut self, sent_ns: u64) -> &[u8] {
        let mut rest = sent_ns;
        for digit in self.bytes.get_mut(self.sent.clone()).unwrap_or_default().iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        &self.bytes
    }
}

/// The moment an event was sent, read back from its payload.
pub(crate) fn sent_at(event: &[u8]) -> Option<u64> {
    let start = memmem::find(event, SENT_KEY.as_bytes())? + SENT_KEY.len();
    let digits = event.get(start..start + SENT_DIGITS)?;
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Body, parse_head};

    #[test]
    fn the_stamp_can_be_read_back() {
        let mut template = EventTemplate::new();
        for sent_ns in [1_790_000_000_123_456_789, 1_000_000_000_000_000_000] {
            assert_eq!(sent_at(template.stamped(sent_ns)), Some(sent_ns));
        }
    }

    #[test]
    fn an_event_is_one_whole_chunk() {
        let mut template = EventTemplate::new();
        let head = parse_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap().unwrap();
        let (mut body, mut event) = (Body::of_response(&head), Vec::new());
        let bytes = template.stamped(1).to_vec();
        assert_eq!(body.feed(&bytes, |piece| event.extend_from_slice(piece)), Ok(bytes.len()));
        assert!(event.starts_with(b"data: {") && event.ends_with(b"}\n\n"));
    }

    #[test]
    fn other_text_has_no_stamp() {
        assert_eq!(sent_at(b"data: [DONE]\n\n"), None);
        assert_eq!(sent_at(b"data: {\"sent_ns\":12}\n\n"), None);
    }
}
