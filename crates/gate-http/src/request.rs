//! The head of a request.

use crate::{FieldError, FieldLine, FieldName, Progress, Span, Version};

/// A request method; methods are case-sensitive (RFC 9110 section 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// How the body of a request is framed (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestBody {
    /// Neither Content-Length nor Transfer-Encoding: there is no body.
    Empty,
    /// Content-Length; zero is kept apart from [`RequestBody::Empty`] so that it can be sent on.
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
}

/// Why a request was refused. The connection must be closed after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A field line, or all of them together.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// Not a method, a target and a version separated by one space each.
    #[error("malformed request line")]
    BadRequestLine,
}

impl RequestError {
    /// The status to answer with.
    pub const fn status(self) -> u16 {
        match self {
            Self::Field(error) => error.status(),
            Self::BadRequestLine => 400,
        }
    }
}

/// The head of a request, reusable: [`RequestHead::clear`] keeps its memory.
#[derive(Debug)]
pub struct RequestHead {
    fields: Vec<FieldLine>,
}

impl RequestHead {
    /// An empty head.
    pub fn new() -> Self {
        Self { fields: Vec::new() }
    }
    /// Forgets the message, keeps the memory.
    pub fn clear(&mut self) {
        self.fields.clear();
    }
    /// Parses; `bytes` is everything received of this message so far.
    pub fn parse(&mut self, _bytes: &[u8]) -> Result<Progress, RequestError> {
        Ok(Progress::Partial)
    }
    /// The method.
    pub fn method(&self) -> Method {
        Method::Other
    }
    /// The method as sent.
    pub fn method_span(&self) -> Span {
        Span::default()
    }
    /// The version.
    pub fn version(&self) -> Version {
        Version::Http11
    }
    /// The whole target as sent.
    pub fn target(&self) -> Span {
        Span::default()
    }
    /// The path of an origin-form or absolute-form target; `*` for `OPTIONS *`; never empty but for CONNECT.
    pub fn path(&self) -> Span {
        Span::default()
    }
    /// The query with its `?`, or empty.
    pub fn query(&self) -> Span {
        Span::default()
    }
    /// The authority; empty for HTTP/1.0 without Host.
    pub fn host(&self) -> Span {
        Span::default()
    }
    /// All field lines in the order received.
    pub fn fields(&self) -> &[FieldLine] {
        &self.fields
    }
    /// The first field line of that name.
    pub fn field(&self, known: FieldName) -> Option<FieldLine> {
        self.fields.iter().find(|field| field.known == known).copied()
    }
    /// How the body is framed.
    pub fn body(&self) -> RequestBody {
        RequestBody::Empty
    }
    /// Whether the client wants the connection to stay open.
    pub fn keep_alive(&self) -> bool {
        false
    }
    /// Whether the client waits for 100 (Continue) before it sends its body.
    pub fn expects_continue(&self) -> bool {
        false
    }
    /// Whether the client asks for another protocol (contract H48).
    pub fn wants_upgrade(&self) -> bool {
        false
    }
    /// Whether the client reads trailers (`TE: trailers`).
    pub fn accepts_trailers(&self) -> bool {
        false
    }
    /// Whether Connection names this field, which is then not forwarded.
    pub fn is_named_by_connection(&self, _bytes: &[u8], _name: &[u8]) -> bool {
        false
    }
}
impl Default for RequestHead {
    fn default() -> Self {
        Self::new()
    }
}
