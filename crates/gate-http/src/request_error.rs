//! Why a request is refused.

use crate::{FieldError, FramingError};

/// Why a request was refused. Where the next one would begin is unknown, so the connection has to be
/// closed behind the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not a method, a target and a version, one space between them (RFC 9112 section 3). Also bytes of
    /// another protocol.
    #[error("malformed request line")]
    BadRequestLine,
    /// The target has a form its method does not take, or a byte a URI does not hold (RFC 9112 section 3.2).
    #[error("malformed request target")]
    BadTarget,
    /// The target is longer than [`TARGET_BYTES_MAX`](crate::limits::TARGET_BYTES_MAX).
    #[error("request target is too long")]
    TargetTooLong,
    /// A version that is not HTTP/1.x.
    #[error("unsupported http version")]
    UnsupportedVersion,
    /// A field line, or all of them together.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A name that a reader which takes `_` for `-`, or decodes `%`, would take for one that matters.
    #[error("field name disguises another one")]
    DisguisedName,
    /// The end of the body is in doubt.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// An HTTP/1.0 GET, HEAD or DELETE with a body, which old servers take for the next request.
    #[error("http/1.0 request with an unexpected body")]
    UnexpectedBody,
    /// No Host in HTTP/1.1 (RFC 9112 section 3.2).
    #[error("host is missing")]
    MissingHost,
    /// More than one Host.
    #[error("more than one host")]
    RepeatedHost,
    /// A Host that is not `host` or `host:port`.
    #[error("malformed host")]
    BadHost,
    /// An absolute-form target for another host than Host says. RFC 9112 section 3.2.2 lets the target win;
    /// we refuse, because whoever looks at Host only would see another request.
    #[error("host differs from the request target")]
    HostMismatch,
    /// A Connection field that is not a list of tokens.
    #[error("malformed connection field")]
    BadConnection,
    /// An Expect other than one `100-continue` (RFC 9110 section 10.1.1).
    #[error("unknown expectation")]
    BadExpectation,
}

impl RequestError {
    /// The status to answer with: 400, 414, 417, 431 or 505.
    pub const fn status(self) -> u16 {
        match self {
            Self::Field(error) => error.status(),
            Self::TargetTooLong => 414,
            Self::BadExpectation => 417,
            Self::UnsupportedVersion => 505,
            Self::BadRequestLine
            | Self::BadTarget
            | Self::DisguisedName
            | Self::Framing(_)
            | Self::UnexpectedBody
            | Self::MissingHost
            | Self::RepeatedHost
            | Self::BadHost
            | Self::HostMismatch
            | Self::BadConnection => 400,
        }
    }
}
