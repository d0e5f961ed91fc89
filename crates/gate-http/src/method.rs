//! Request methods.

/// A request method; methods are case-sensitive (RFC 9110 section 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Connect,
    Delete,
    Get,
    Head,
    Options,
    Patch,
    Post,
    Put,
    Trace,
    /// Any other token.
    Other,
}

impl Method {
    /// Recognises `method`.
    pub fn of(method: &[u8]) -> Self {
        match method {
            b"CONNECT" => Self::Connect,
            b"DELETE" => Self::Delete,
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"OPTIONS" => Self::Options,
            b"PATCH" => Self::Patch,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"TRACE" => Self::Trace,
            _ => Self::Other,
        }
    }

    /// Whether a repeated request has the effect of a single one (RFC 9110 section 9.2.2).
    pub const fn is_idempotent(self) -> bool {
        !matches!(self, Self::Connect | Self::Patch | Self::Post | Self::Other)
    }

    /// Whether servers of HTTP/1.0 times read no body behind this method.
    pub(crate) const fn is_bodiless_in_http10(self) -> bool {
        matches!(self, Self::Delete | Self::Get | Self::Head)
    }
}
