//! What a proxy may ask of event streams beyond any other body: a first event in time, and a sign of life while there is none.
//!
//! # The first event
//! With `first_event` the head of an event stream is held back until the first byte of its body is there: a model that
//! accepted the request and then says nothing is a 504 then, and not a stream that breaks.
//!
//! # The sign of life
//! With `sse_keepalive` a client whose stream is silent gets a comment, which every reader of event streams skips (WHATWG
//! HTML §9.2.6), so that nothing on the way takes the connection for dead. It is sent between two events only: inside of
//! one it would become part of it. Silence stays silence: a comment of ours does not count against `body_idle`.

use crate::buffer::Buffer;
use crate::client::{Client, Wire, poll_fill};
use crate::deadline::Tick;
use crate::fault::Fault;
use crate::request_transfer::{RequestTransfer, earlier};
use crate::transfer::Transfer;
use gate_snapshot::Timeouts;
use gate_telemetry::Reason;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Whether a response is an event stream, of which more is asked then than of any other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EventStream {
    /// Whether it is one.
    pub(crate) is_one: bool,
    /// Whether its events can be seen.
    pub(crate) is_readable: bool,
}

/// When the client of a silent event stream gets its next comment.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    every: Duration,
    /// When the upstream has been silent for too long.
    idle_due: Option<Tick>,
}

/// How the events so far have ended: their last four bytes, the last one lowest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventEnd(u32);

impl EventStream {
    /// What a response with these fields is.
    pub(crate) fn of<'b>(
        content_type: impl FnOnce() -> Option<&'b [u8]>,
        is_encoded: impl FnOnce() -> bool,
    ) -> Self {
        if !content_type().is_some_and(is_event_stream) {
            return EventStream::default();
        }
        // Nobody sees in compressed bytes where an event ends.
        EventStream { is_one: true, is_readable: !is_encoded() }
    }

    /// How long the first byte may take behind the head.
    pub(crate) fn first_event(self, timeouts: &Timeouts) -> Option<Duration> {
        timeouts.first_event.filter(|_| self.is_one)
    }

    /// After how much silence the client gets a comment.
    pub(crate) fn keepalive(self, timeouts: &Timeouts) -> Option<Duration> {
        timeouts.sse_keepalive.filter(|_| self.is_readable)
    }
}

/// Ready once a byte of the body, or its end, is at hand.
pub(crate) fn poll_first_byte(
    cx: &mut Context<'_>,
    source: &mut impl Wire,
    input: &mut Option<Buffer>,
    download: &Transfer,
) -> Poll<Result<(), Fault>> {
    if input.is_some() {
        return Poll::Ready(Ok(()));
    }
    Poll::Ready(match ready!(poll_fill(cx, source, input)) {
        Ok(0) if !download.ends_with_source() => Err(Reason::UpstreamTruncated.into()),
        Ok(_) => Ok(()),
        Err(error) => Err(Fault::because(Reason::UpstreamTruncated, error)),
    })
}

/// Ready when the wait for it is over.
pub(crate) fn poll_first_event_due(client: &Client, request: &RequestTransfer) -> Poll<Result<(), Fault>> {
    if !client.deadline.is_due() {
        return Poll::Pending;
    }
    let is_clients = request.waits_for_client();
    let reason = if is_clients { Reason::TimeoutClientBody } else { Reason::TimeoutFirstEvent };
    Poll::Ready(Err(reason.into()))
}

impl KeepAlive {
    /// A comment whenever the stream has been silent for so long.
    pub(crate) fn new(every: Duration) -> Self {
        KeepAlive { every, idle_due: None }
    }

    /// The stream was not silent; when it will have been silent for too long is known.
    pub(crate) fn restart(&mut self, client: &Client, idle_due: Option<Tick>) {
        self.idle_due = idle_due;
        self.wait(client);
    }

    /// Waits for the next comment, or for the end.
    pub(crate) fn wait(&self, client: &Client) {
        let comment_due = client.deadline.after(self.every);
        client.deadline.set(earlier(self.idle_due, Some(comment_due)));
    }

    /// Whether the upstream has been silent for too long.
    pub(crate) fn is_idle_due(&self, client: &Client) -> bool {
        self.idle_due.is_some_and(|due| due <= client.deadline.now()) || client.deadline.is_over()
    }
}

impl EventEnd {
    /// An event stream of which nothing has passed: no event has begun.
    pub(crate) fn new() -> Self {
        EventEnd(LF_LF)
    }

    /// These bytes of the stream have passed.
    pub(crate) fn passed(&mut self, bytes: &[u8]) {
        let last = bytes.len().saturating_sub(4);
        for byte in bytes.get(last..).unwrap_or_default() {
            self.0 = self.0 << 8 | u32::from(*byte);
        }
    }

    /// Whether they ended with an empty line, in one of the three ways to end a line. Ways that were mixed up are not looked
    /// for: a comment less is no harm, one inside of an event is.
    pub(crate) fn is_between_events(self) -> bool {
        let last_two = self.0 & 0xffff;
        last_two == LF_LF || last_two == CR_CR || self.0 == CR_LF_CR_LF
    }
}

fn is_event_stream(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

/// A comment that says nothing, and the empty line that keeps it from what follows.
pub(crate) const COMMENT: &[u8] = b":\n\n";
/// The same as one chunk.
pub(crate) const COMMENT_CHUNK: &[u8] = b"3\r\n:\n\n\r\n";

const LF_LF: u32 = 0x0a0a;
const CR_CR: u32 = 0x0d0d;
const CR_LF_CR_LF: u32 = 0x0d0a_0d0a;

#[cfg(test)]
mod tests {
    use super::*;

    /// Same in whatever parts the bytes pass.
    #[track_caller]
    fn check(stream: &str, is_between_events: bool) {
        for length in 1..=stream.len().max(1) {
            let mut end = EventEnd::new();
            stream.as_bytes().chunks(length).for_each(|part| end.passed(part));
            assert_eq!(end.is_between_events(), is_between_events, "{stream:?} in parts of {length}");
        }
    }

    #[test]
    fn an_empty_line_ends_an_event() {
        check("", true);
        check("data: a\n\n", true);
        check("data: a\r\n\r\n", true);
        check("data: a\r\r", true);
        check(": comment\n\n\n", true);
    }

    #[test]
    fn everything_else_is_inside_of_one() {
        check("d", false);
        check("data: a\n", false);
        check("data: a\r\n", false);
        check("data: a\r\n\r", false);
        check("data: a\n\ndata", false);
        check("data: a\n\r\n", false);
    }

    #[test]
    fn an_event_stream_is_told_by_its_type() {
        for yes in ["text/event-stream", "Text/Event-Stream ; charset=utf-8"] {
            assert!(is_event_stream(yes.as_bytes()), "{yes}");
        }
        for no in ["", "text/plain", "text/event-streams", "text/plain; x=text/event-stream"] {
            assert!(!is_event_stream(no.as_bytes()), "{no}");
        }
    }
}
