//! The phase timeouts of a proxy.

use std::time::Duration;

/// How long each phase of a request may take (contract D-6). `None` = unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Resolving the upstream's name and connecting to it.
    pub dial: Duration,
    /// The TLS handshake with the upstream.
    pub tls: Duration,
    /// From the request sent to the response head.
    pub response_header: Option<Duration>,
    /// From accepting the request to the response head; with `response_header` off, to the end of sending it
    /// (contract D-6). Never cuts a stream that flows (H17).
    pub total: Duration,
    /// Silence inside a body, in either direction.
    pub body_idle: Option<Duration>,
    /// From the head of an event stream to its first event; unlimited unless asked for.
    pub first_event: Option<Duration>,
    /// How long an upstream may be silent inside an event stream before the client gets a comment that keeps the
    /// connection alive; `None` = it never gets one.
    pub sse_keepalive: Option<Duration>,
    /// How long a pooled connection may stay unused.
    pub pool_idle: Duration,
}

impl Timeouts {
    /// 2 s (020-FR-001): an upstream that does not accept by then is down or overrun.
    pub const DIAL: Duration = Duration::from_secs(2);
    /// 5 s (contract D-6): several round trips over a slow link.
    pub const TLS: Duration = Duration::from_secs(5);
    /// 30 s (020-FR-002).
    pub const RESPONSE_HEADER: Duration = Duration::from_secs(30);
    /// 30 s (contract §3.1, `timeout`).
    pub const TOTAL: Duration = Duration::from_secs(30);
    /// 300 s (contract D-6): longer than any model thinks between two tokens.
    pub const BODY_IDLE: Duration = Duration::from_secs(300);
    /// 90 s (020-FR-003).
    pub const POOL_IDLE: Duration = Duration::from_secs(90);
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            dial: Self::DIAL,
            tls: Self::TLS,
            response_header: Some(Self::RESPONSE_HEADER),
            total: Self::TOTAL,
            body_idle: Some(Self::BODY_IDLE),
            first_event: None,
            sse_keepalive: None,
            pool_idle: Self::POOL_IDLE,
        }
    }
}
