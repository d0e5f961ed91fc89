//! What there is to tell about a sampled request that has ended.

use super::Placement;
use crate::{Reason, RequestId};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

/// A sampled request that has ended. It says nothing of fields and queries, which may hold keys (H28).
#[derive(Clone, Debug, PartialEq)]
pub struct TraceRecord {
    /// Where it stands in its trace.
    pub placement: Placement,
    /// What it is called.
    pub request_id: RequestId,
    /// When its head was complete.
    pub started: SystemTime,
    /// How long it took.
    pub total: Duration,
    /// Its method, as sent.
    pub method: Box<str>,
    /// Its path, as sent.
    pub path: Box<str>,
    /// The proxy that took it.
    pub proxy: Option<TracedProxy>,
    /// The id of the caller's record; none for a guest, and where nobody had to be asked.
    pub identity: Option<Box<str>>,
    /// The client's address.
    pub client: IpAddr,
    /// The status that was sent to the client; 499 when none was.
    pub status: u16,
    /// How it ended.
    pub reason: Reason,
    /// The address of the upstream that was last asked.
    pub upstream: Option<SocketAddr>,
    /// Whether that was over a pooled connection.
    pub is_reused: bool,
    /// How often an upstream was asked.
    pub attempts: u32,
    /// Bytes from the client, heads and framing included.
    pub received: u64,
    /// Bytes to the client, the same.
    pub sent: u64,
    /// When it did what, by [`Phase::index`]; none of what did not take place.
    pub spans: [Option<Span>; Phase::ALL.len()],
}

/// The proxy that took a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedProxy {
    /// Its id; empty when it is no record.
    pub id: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// The path it answers to.
    pub path: Box<str>,
    /// Host and port it leads to; none for what is answered here.
    pub upstream: Option<(Box<str>, u16)>,
}

/// A part of a request's time, counted from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub begin: Duration,
    /// When it ended.
    pub end: Duration,
}

/// What a request does, as traces tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waits for a place.
    Queue,
    /// It gets a connection: resolving, connecting, shaking hands.
    Connect,
    /// It waits for its answer.
    FirstByte,
    /// Its answer is relayed, as far as the upstream sends it.
    Body,
}

impl Phase {
    /// All of them, in the order in which they come.
    pub const ALL: [Phase; 4] = [Phase::Queue, Phase::Connect, Phase::FirstByte, Phase::Body];

    /// Its place in [`Phase::ALL`].
    pub fn index(self) -> u8 {
        self as u8
    }

    /// What its span is called.
    pub fn label(self) -> &'static str {
        match self {
            Phase::Queue => "queue",
            Phase::Connect => "connect",
            Phase::FirstByte => "first_byte",
            Phase::Body => "body",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_found_at_its_index() {
        for phase in Phase::ALL {
            assert_eq!(Phase::ALL[usize::from(phase.index())], phase);
        }
    }
}
