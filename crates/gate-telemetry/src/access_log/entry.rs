//! What there is to say about a request that has ended.

use crate::trace::TraceId;
use crate::{Reason, RequestId};
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

/// One request that has ended. Borrowed: what is copied is the bytes of the line.
pub struct AccessEntry<'a> {
    /// When it ended.
    pub time: SystemTime,
    /// The same as in the response and at the upstream.
    pub request_id: RequestId,
    /// The trace it belongs to, if it is traced.
    pub trace: Option<TraceId>,
    /// The name of the proxy that took it.
    pub proxy: &'a str,
    /// The proxy's id; empty when it is no record.
    pub proxy_id: &'a str,
    /// The method, as sent.
    pub method: &'a [u8],
    /// Path and query, with sensitive values [masked](crate::access_log::AccessLog::mask_target) already.
    pub target: &'a [u8],
    /// The status that was sent to the client; 499 when none was.
    pub status: u16,
    /// How it ended.
    pub reason: Reason,
    /// The caller's id and collection; none for a guest, and where nobody had to be asked.
    pub identity: Option<(&'a str, &'a str)>,
    /// The client's address.
    pub client: IpAddr,
    /// The address of the upstream that was last asked.
    pub upstream: Option<SocketAddr>,
    /// Whether that was over a pooled connection.
    pub reused: bool,
    /// How often an upstream was asked: 0 when it never came to that.
    pub attempts: u32,
    /// In the queue for a slot.
    pub queue: Duration,
    /// Resolving, connecting, shaking hands.
    pub connect: Duration,
    /// From the last byte of the request to the head of the answer.
    pub first_byte: Option<Duration>,
    /// What the upstream took: neither the queue's time nor that of a slow client (020-FR-021).
    pub upstream_latency: Option<Duration>,
    /// What the gateway itself took (020-FR-021, H24).
    pub own: Duration,
    /// From when the head of the request was complete to the last byte of the answer.
    pub total: Duration,
    /// Bytes from the client, heads and framing included.
    pub received: u64,
    /// Bytes to the client, the same.
    pub sent: u64,
    /// Events of an event stream.
    pub events: u64,
    /// How the proxy's breaker was: `closed`, `open`, `half_open`, or `off`.
    pub breaker: &'static str,
    /// How many requests of the proxy ran when this one was let in, itself included; 0 when it was not.
    pub concurrent: u32,
    /// Why it would have been refused, were that limit not in a dry run.
    pub would_refuse: Option<Reason>,
    /// What went wrong, down to the last cause. May name internal addresses: for the log alone (H42).
    pub cause: Option<&'a dyn Display>,
}

/// How much a line matters; the words are those of the process's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Info,
    Warn,
    Error,
}

impl AccessEntry<'_> {
    /// Whether nothing went wrong that anybody could look into: the answer was relayed, and is no 4xx or 5xx.
    pub fn is_success(&self) -> bool {
        self.reason == Reason::Completed && self.status < 400
    }

    /// On whose account an ending goes that is not [`Reason::Completed`].
    pub fn side(&self) -> Option<&'static str> {
        (self.reason != Reason::Completed).then(|| self.reason.side().label())
    }

    pub(super) fn level(&self) -> Level {
        use crate::Side;
        match (self.reason, self.reason.side()) {
            (Reason::Completed, _) if self.status >= 500 => Level::Warn,
            (_, Side::Client) => Level::Info,
            (_, Side::Upstream) => Level::Warn,
            (_, Side::Gateway) => Level::Error,
        }
    }
}

impl Level {
    pub(super) fn label(self) -> &'static str {
        match self {
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::UNIX_EPOCH;

    /// An answer relayed from a pooled connection, on 2026-11-23 at 12:34:56.789.
    pub(crate) fn completed() -> AccessEntry<'static> {
        AccessEntry {
            time: UNIX_EPOCH + Duration::from_millis(1_795_437_296_789),
            request_id: RequestId::new(0xdead_beef),
            trace: TraceId::new(0x4bf9_2f35_77b3_4da6, 0xa3ce_929d_0e0e_4736),
            proxy: "AI",
            proxy_id: "abcdefghijklmno",
            method: b"POST",
            target: b"/-/ai/chat?stream=1",
            status: 200,
            reason: Reason::Completed,
            identity: Some(("usr000000000001", "users")),
            client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            upstream: Some(SocketAddr::from(([127, 0, 0, 1], 8001))),
            reused: true,
            attempts: 1,
            queue: Duration::ZERO,
            connect: Duration::ZERO,
            first_byte: Some(Duration::from_micros(12_345)),
            upstream_latency: Some(Duration::from_micros(1_002_003)),
            own: Duration::from_micros(87),
            total: Duration::from_micros(1_002_090),
            received: 321,
            sent: 65_536,
            events: 7,
            breaker: "closed",
            concurrent: 3,
            would_refuse: None,
            cause: None,
        }
    }

    /// A request that found no upstream.
    pub(crate) fn failed(cause: &dyn Display) -> AccessEntry<'_> {
        AccessEntry {
            status: 502,
            reason: Reason::UpstreamConnect,
            identity: None,
            reused: false,
            first_byte: None,
            upstream_latency: None,
            trace: None,
            cause: Some(cause),
            ..completed()
        }
    }

    #[test]
    fn what_went_wrong_on_our_side_matters_most() {
        let level = |reason, status| AccessEntry { status, reason, ..completed() }.level();
        assert_eq!(level(Reason::Completed, 404), Level::Info);
        assert_eq!(level(Reason::Completed, 503), Level::Warn);
        assert_eq!(level(Reason::ClientClosed, 499), Level::Info);
        assert_eq!(level(Reason::UpstreamReset, 502), Level::Warn);
        assert_eq!(level(Reason::Internal, 500), Level::Error);
    }
}
