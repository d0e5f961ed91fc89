//! The closed set of ways a request can end, with the one word each has in the response (`X-Gateway-Reason`),
//! in the log and in the metrics.

/// How a request ended.
///
/// Every request ends with exactly one of these. A member that makes the gateway itself answer
/// has a status and two short texts for that answer (contract D-4); none of them names an internal address (H42).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The upstream's response was relayed to its end, whatever its status.
    Completed,

    // --- the client's doing
    /// The request violates HTTP/1.1 or is ambiguous (RFC 9112 §2.2, §6.3).
    BadRequest,
    /// The client went away before the response ended.
    ClientClosed,
    /// The `Expect` field asks for something other than `100-continue` (RFC 9110 §10.1.1).
    ExpectationFailed,
    /// The access rule denies the caller, who is known.
    Forbidden,
    /// `CONNECT` or `TRACE`.
    MethodNotAllowed,
    /// No proxy matches the path.
    NotFound,
    /// The proxy that matches the path is inactive.
    ProxyInactive,
    /// The caller already has as many requests running as one caller may (`limits`).
    LimitCaller,
    /// The caller has made as many requests as it may for now (`rateLimit`).
    RateLimited,
    /// The request head did not arrive in time.
    TimeoutClientHead,
    /// The request body stopped arriving.
    TimeoutClientBody,
    /// The client stopped reading the response.
    TimeoutClientWrite,
    /// The request head is larger than the limit (RFC 6585 §5).
    TooLargeHead,
    /// The request target is longer than the limit.
    TooLongTarget,
    /// The access rule denies the caller, who is a guest.
    Unauthorized,
    /// An HTTP version this server does not speak.
    VersionUnsupported,
    /// A WebSocket upgrade (contract D-11).
    WebSocketUnsupported,

    // --- the upstream's doing
    /// The upstream refused the connection or could not be reached.
    UpstreamConnect,
    /// The upstream's name does not resolve.
    UpstreamDns,
    /// What the upstream sent is not HTTP.
    UpstreamProtocol,
    /// The upstream closed the connection before a response.
    UpstreamReset,
    /// The TLS handshake with the upstream failed.
    UpstreamTls,
    /// The upstream's response body ended before its end.
    UpstreamTruncated,
    /// A response body went silent, or a request body was not taken, for longer than `body_idle`.
    TimeoutBodyIdle,
    /// Resolving and connecting took longer than `dial`.
    TimeoutConnect,
    /// The response head took longer than `response_header`.
    TimeoutFirstByte,
    /// The first event of an event stream took longer than `first_event`.
    TimeoutFirstEvent,
    /// The response head did not arrive within the proxy's `timeout`.
    TimeoutTotal,
    /// The TLS handshake took longer than `tls`.
    TimeoutTls,

    // --- the gateway's own doing
    /// The proxy's breaker is open: its upstream is left alone for now (`circuitBreaker`).
    BreakerOpen,
    /// The gateway stopped, and the request had not ended within the drain timeout.
    DrainTimeout,
    /// A superuser has ended it (`DELETE /api/gateway/requests/{id}`).
    EndedByOperator,
    /// Nobody can say at the moment whose token it is: the database or the identity provider is away.
    IdentityUnavailable,
    /// Something failed that should not have; the log has the cause.
    Internal,
    /// As many requests run as may (`maxConcurrent`), and none may wait.
    LimitConcurrency,
    /// The request came back to the gateway that sent it.
    LoopDetected,
    /// The gateway has no connections, descriptors or memory left for it.
    Overloaded,
    /// As many requests wait as may (`queueConfig.max_waiting`).
    QueueFull,
    /// The request waited for a place as long as it may (`queueConfig.timeout`).
    QueueTimeout,
    /// The upstream's name leads to an address no upstream may have.
    UpstreamForbidden,
    /// A configured header names a secret or an environment variable that does not exist (contract D-7).
    TemplateUnresolved,
}

/// On whose account an ending goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The client's.
    Client,
    /// The upstream's: these may count against it.
    Upstream,
    /// The gateway's own, its configuration included.
    Gateway,
}

impl Side {
    /// The word for it in the log.
    pub fn label(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Upstream => "upstream",
            Side::Gateway => "gateway",
        }
    }
}

impl Reason {
    /// All members, in declaration order: for metrics that declare their series up front.
    pub const ALL: [Reason; 42] = {
        use Reason::*;
        [
            Completed,
            BadRequest,
            ClientClosed,
            ExpectationFailed,
            Forbidden,
            MethodNotAllowed,
            NotFound,
            ProxyInactive,
            LimitCaller,
            RateLimited,
            TimeoutClientHead,
            TimeoutClientBody,
            TimeoutClientWrite,
            TooLargeHead,
            TooLongTarget,
            Unauthorized,
            VersionUnsupported,
            WebSocketUnsupported,
            UpstreamConnect,
            UpstreamDns,
            UpstreamProtocol,
            UpstreamReset,
            UpstreamTls,
            UpstreamTruncated,
            TimeoutBodyIdle,
            TimeoutConnect,
            TimeoutFirstByte,
            TimeoutFirstEvent,
            TimeoutTotal,
            TimeoutTls,
            BreakerOpen,
            DrainTimeout,
            EndedByOperator,
            IdentityUnavailable,
            Internal,
            LimitConcurrency,
            LoopDetected,
            Overloaded,
            QueueFull,
            QueueTimeout,
            UpstreamForbidden,
            TemplateUnresolved,
        ]
    };

    /// Its place in [`Reason::ALL`].
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The word for this ending in the response, the log and the metrics.
    pub fn label(self) -> &'static str {
        match self {
            Reason::Completed => "completed",
            Reason::BadRequest => "bad_request",
            Reason::ClientClosed => "client_closed",
            Reason::ExpectationFailed => "expectation_failed",
            Reason::Forbidden => "forbidden",
            Reason::MethodNotAllowed => "method_not_allowed",
            Reason::NotFound => "not_found",
            Reason::ProxyInactive => "proxy_inactive",
            Reason::LimitCaller => "limit_caller",
            Reason::RateLimited => "rate_limited",
            Reason::TimeoutClientHead => "timeout_client_head",
            Reason::TimeoutClientBody => "timeout_client_body",
            Reason::TimeoutClientWrite => "timeout_client_write",
            Reason::TooLargeHead => "too_large_head",
            Reason::TooLongTarget => "too_long_target",
            Reason::Unauthorized => "unauthorized",
            Reason::VersionUnsupported => "version_unsupported",
            Reason::WebSocketUnsupported => "websocket_unsupported",
            Reason::UpstreamConnect => "upstream_connect",
            Reason::UpstreamDns => "upstream_dns",
            Reason::UpstreamProtocol => "upstream_protocol",
            Reason::UpstreamReset => "upstream_reset",
            Reason::UpstreamTls => "upstream_tls",
            Reason::UpstreamTruncated => "upstream_truncated",
            Reason::TimeoutBodyIdle => "timeout_body_idle",
            Reason::TimeoutConnect => "timeout_connect",
            Reason::TimeoutFirstByte => "timeout_first_byte",
            Reason::TimeoutFirstEvent => "timeout_first_event",
            Reason::TimeoutTotal => "timeout_total",
            Reason::TimeoutTls => "timeout_tls",
            Reason::BreakerOpen => "breaker_open",
            Reason::DrainTimeout => "drain_timeout",
            Reason::EndedByOperator => "ended_by_operator",
            Reason::IdentityUnavailable => "identity_unavailable",
            Reason::Internal => "internal",
            Reason::LimitConcurrency => "limit_concurrency",
            Reason::LoopDetected => "loop_detected",
            Reason::Overloaded => "overloaded",
            Reason::QueueFull => "queue_full",
            Reason::QueueTimeout => "queue_timeout",
            Reason::UpstreamForbidden => "upstream_forbidden",
            Reason::TemplateUnresolved => "template_unresolved",
        }
    }

    /// The status the gateway answers with when it can still answer.
    ///
    /// 499 is never sent: it marks in the log a client that no longer listens. `Completed` has the upstream's status
    /// and 200 here.
    pub fn status(self) -> u16 {
        match self {
            Reason::Completed => 200,
            Reason::BadRequest => 400,
            Reason::Unauthorized => 401,
            Reason::Forbidden => 403,
            Reason::NotFound | Reason::ProxyInactive => 404,
            Reason::MethodNotAllowed => 405,
            Reason::TimeoutClientHead | Reason::TimeoutClientBody | Reason::TimeoutClientWrite => 408,
            Reason::TooLongTarget => 414,
            Reason::ExpectationFailed => 417,
            Reason::LimitCaller | Reason::LimitConcurrency | Reason::QueueFull | Reason::RateLimited => 429,
            Reason::TooLargeHead => 431,
            Reason::ClientClosed => 499,
            Reason::Internal | Reason::TemplateUnresolved | Reason::UpstreamForbidden => 500,
            Reason::WebSocketUnsupported => 501,
            Reason::UpstreamConnect
            | Reason::UpstreamDns
            | Reason::UpstreamProtocol
            | Reason::UpstreamReset
            | Reason::UpstreamTls
            | Reason::UpstreamTruncated => 502,
            Reason::BreakerOpen
            | Reason::DrainTimeout
            | Reason::EndedByOperator
            | Reason::IdentityUnavailable
            | Reason::Overloaded
            | Reason::QueueTimeout => 503,
            Reason::TimeoutBodyIdle
            | Reason::TimeoutConnect
            | Reason::TimeoutFirstByte
            | Reason::TimeoutFirstEvent
            | Reason::TimeoutTotal
            | Reason::TimeoutTls => 504,
            Reason::VersionUnsupported => 505,
            Reason::LoopDetected => 508,
        }
    }

    /// Whether it is a limit that was asked for, or an open breaker: nothing is wrong with the request.
    pub fn is_limit(self) -> bool {
        matches!(
            self,
            Reason::BreakerOpen
                | Reason::LimitCaller
                | Reason::LimitConcurrency
                | Reason::QueueFull
                | Reason::QueueTimeout
                | Reason::RateLimited
        )
    }

    /// Whether it is that something took longer than it may.
    pub fn is_timeout(self) -> bool {
        matches!(
            self,
            Reason::DrainTimeout
                | Reason::QueueTimeout
                | Reason::TimeoutBodyIdle
                | Reason::TimeoutClientBody
                | Reason::TimeoutClientHead
                | Reason::TimeoutClientWrite
                | Reason::TimeoutConnect
                | Reason::TimeoutFirstByte
                | Reason::TimeoutFirstEvent
                | Reason::TimeoutTls
                | Reason::TimeoutTotal
        )
    }

    /// On whose account this ending goes.
    pub fn side(self) -> Side {
        match self {
            Reason::Completed
            | Reason::BadRequest
            | Reason::ClientClosed
            | Reason::ExpectationFailed
            | Reason::Forbidden
            | Reason::MethodNotAllowed
            | Reason::NotFound
            | Reason::ProxyInactive
            | Reason::LimitCaller
            | Reason::RateLimited
            | Reason::TimeoutClientHead
            | Reason::TimeoutClientBody
            | Reason::TimeoutClientWrite
            | Reason::TooLargeHead
            | Reason::TooLongTarget
            | Reason::Unauthorized
            | Reason::VersionUnsupported
            | Reason::WebSocketUnsupported => Side::Client,
            Reason::UpstreamConnect
            | Reason::UpstreamDns
            | Reason::UpstreamProtocol
            | Reason::UpstreamReset
            | Reason::UpstreamTls
            | Reason::UpstreamTruncated
            | Reason::TimeoutBodyIdle
            | Reason::TimeoutConnect
            | Reason::TimeoutFirstByte
            | Reason::TimeoutFirstEvent
            | Reason::TimeoutTotal
            | Reason::TimeoutTls => Side::Upstream,
            Reason::BreakerOpen
            | Reason::DrainTimeout
            | Reason::EndedByOperator
            | Reason::IdentityUnavailable
            | Reason::Internal
            | Reason::LimitConcurrency
            | Reason::LoopDetected
            | Reason::Overloaded
            | Reason::QueueFull
            | Reason::QueueTimeout
            | Reason::UpstreamForbidden
            | Reason::TemplateUnresolved => Side::Gateway,
        }
    }

    /// The short name of the error, for the `error` member of the response.
    pub fn title(self) -> &'static str {
        match self {
            Reason::Completed => "OK",
            Reason::BadRequest => "Bad Request",
            Reason::ClientClosed => "Client Closed Request",
            Reason::ExpectationFailed => "Expectation Failed",
            Reason::Forbidden => "Forbidden",
            Reason::MethodNotAllowed => "Method Not Allowed",
            Reason::NotFound | Reason::ProxyInactive => "Not Found",
            Reason::TimeoutClientHead | Reason::TimeoutClientBody | Reason::TimeoutClientWrite => {
                "Request Timeout"
            }
            Reason::TooLargeHead => "Request Header Fields Too Large",
            Reason::TooLongTarget => "URI Too Long",
            Reason::Unauthorized => "Unauthorized",
            Reason::VersionUnsupported => "HTTP Version Not Supported",
            Reason::WebSocketUnsupported => "WebSocket Not Supported",
            Reason::UpstreamConnect
            | Reason::UpstreamDns
            | Reason::UpstreamProtocol
            | Reason::UpstreamReset
            | Reason::UpstreamTls
            | Reason::UpstreamTruncated => "Upstream Unavailable",
            Reason::TimeoutBodyIdle
            | Reason::TimeoutConnect
            | Reason::TimeoutFirstByte
            | Reason::TimeoutFirstEvent
            | Reason::TimeoutTotal
            | Reason::TimeoutTls => "Gateway Timeout",
            Reason::Internal | Reason::TemplateUnresolved | Reason::UpstreamForbidden => {
                "Internal Server Error"
            }
            Reason::LimitCaller | Reason::LimitConcurrency | Reason::QueueFull | Reason::RateLimited => {
                "Too Many Requests"
            }
            Reason::LoopDetected => "Loop Detected",
            Reason::BreakerOpen
            | Reason::DrainTimeout
            | Reason::EndedByOperator
            | Reason::IdentityUnavailable
            | Reason::Overloaded
            | Reason::QueueTimeout => "Service Unavailable",
        }
    }

    /// One sentence for the caller, for the `message` and `details` members of the response.
    pub fn message(self) -> &'static str {
        match self {
            Reason::Completed => "The request was completed.",
            Reason::BadRequest => "The request could not be understood.",
            Reason::ClientClosed => "The client closed the request.",
            Reason::ExpectationFailed => "The expectation in the request is not supported.",
            Reason::Forbidden => "You are not allowed to perform this request.",
            Reason::MethodNotAllowed => "This method is not supported by the gateway.",
            Reason::NotFound => "The requested resource wasn't found.",
            Reason::ProxyInactive => "The requested resource isn't active.",
            Reason::LimitCaller => "You have as many requests running as you may. Wait for one to end.",
            Reason::RateLimited => "You have made too many requests. Try again later.",
            Reason::TimeoutClientHead => "The request header took too long to arrive.",
            Reason::TimeoutClientBody => "The request body took too long to arrive.",
            Reason::TimeoutClientWrite => "The response was not read in time.",
            Reason::TooLargeHead => "The request header is too large.",
            Reason::TooLongTarget => "The request path is too long.",
            Reason::Unauthorized => "Missing or invalid authentication.",
            Reason::VersionUnsupported => "This HTTP version is not supported.",
            Reason::WebSocketUnsupported => {
                "WebSocket connections are not supported by the gateway yet. Use server-sent events or plain HTTP."
            }
            Reason::UpstreamConnect => "The upstream service could not be reached.",
            Reason::UpstreamDns => "The upstream service's name could not be resolved.",
            Reason::UpstreamProtocol => "The upstream service sent an invalid response.",
            Reason::UpstreamReset => "The upstream service closed the connection.",
            Reason::UpstreamTls => "A secure connection to the upstream service failed.",
            Reason::UpstreamTruncated => "The upstream service's response was cut short.",
            Reason::TimeoutBodyIdle => "The upstream service stopped sending.",
            Reason::TimeoutConnect => "Connecting to the upstream service took too long.",
            Reason::TimeoutFirstByte | Reason::TimeoutFirstEvent | Reason::TimeoutTotal => {
                "The upstream service took too long to respond."
            }
            Reason::TimeoutTls => "The secure handshake with the upstream service took too long.",
            Reason::BreakerOpen => "The upstream service is failing and is left alone for a moment.",
            Reason::DrainTimeout => "The gateway is being stopped.",
            Reason::EndedByOperator => "The request was ended by an administrator.",
            Reason::IdentityUnavailable => "The gateway cannot verify your authentication right now.",
            Reason::Internal => "Something went wrong while processing your request.",
            Reason::LimitConcurrency => "The upstream service is at capacity. Try again later.",
            Reason::LoopDetected => "The request has already passed through this gateway.",
            Reason::Overloaded => "The gateway cannot take more requests right now.",
            Reason::QueueFull => "The upstream service is at capacity, and so is its queue. Try again later.",
            Reason::QueueTimeout => "The upstream service had no room in time. Try again later.",
            Reason::UpstreamForbidden => "The upstream service is not one that may be reached.",
            Reason::TemplateUnresolved => "The proxy is not configured completely.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_index_is_the_place_among_all() {
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), place, "{reason:?}");
        }
    }

    #[test]
    fn labels_are_unique_snake_case_words() {
        let labels: HashSet<_> = Reason::ALL.iter().map(|reason| reason.label()).collect();
        assert_eq!(labels.len(), Reason::ALL.len());
        assert!(labels.iter().all(|label| label.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }

    #[test]
    fn h45_titles_are_those_of_the_specification() {
        for reason in Reason::ALL {
            let specified = match reason.status() {
                429 => "Too Many Requests",
                501 => "WebSocket Not Supported",
                502 => "Upstream Unavailable",
                503 => "Service Unavailable",
                504 => "Gateway Timeout",
                _ => continue,
            };
            assert_eq!(reason.title(), specified, "{reason:?}");
        }
    }

    #[test]
    fn the_guide_lists_every_reason_with_its_status() {
        let guide = include_str!("../../../docs/guide/reasons.md");
        for reason in Reason::ALL {
            let row = guide.lines().find(|line| line.starts_with(&format!("| `{}` |", reason.label())));
            let row = row.unwrap_or_else(|| panic!("no row for {reason:?}"));
            let status = row.split('|').nth(2).unwrap();
            assert!(
                status.contains(&reason.status().to_string()) || !status.contains(char::is_numeric),
                "{row}"
            );
        }
        assert_eq!(guide.matches("\n| `").count(), Reason::ALL.len());
    }

    #[test]
    fn an_ending_on_the_upstreams_account_is_a_bad_gateway_or_a_timeout() {
        for reason in Reason::ALL {
            assert_eq!(reason.side() == Side::Upstream, matches!(reason.status(), 502 | 504), "{reason:?}");
        }
    }
}
