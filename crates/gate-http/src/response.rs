//! The head of a response.

use crate::{FieldError, FieldLine, FieldName, Method, Progress, Span, Version};

/// How the body of a response is framed (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseBody {
    /// No body: HEAD, 1xx, 204, 304.
    Empty,
    /// Content-Length.
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
    /// Neither: the body ends with the connection.
    UntilClose,
}

/// Why a response was refused; the client gets a 502.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// A field line, or all of them together.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// Not `HTTP/1.x`, a three-digit status and a reason phrase.
    #[error("malformed status line")]
    BadStatusLine,
}

/// The head of a response, reusable: [`ResponseHead::clear`] keeps its memory.
#[derive(Debug)]
pub struct ResponseHead {
    fields: Vec<FieldLine>,
}

impl ResponseHead {
    /// An empty head.
    pub fn new() -> Self {
        Self { fields: Vec::new() }
    }
    /// Forgets the message, keeps the memory.
    pub fn clear(&mut self) {
        self.fields.clear();
    }
    /// Parses; `bytes` is everything received of this message so far.
    pub fn parse(&mut self, _bytes: &[u8], _request_method: Method) -> Result<Progress, ResponseError> {
        Ok(Progress::Partial)
    }
    /// The status code, 100 to 999.
    pub fn status(&self) -> u16 {
        0
    }
    /// The reason phrase as sent, often empty.
    pub fn reason(&self) -> Span {
        Span::default()
    }
    /// The version.
    pub fn version(&self) -> Version {
        Version::Http11
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
    pub fn body(&self) -> ResponseBody {
        ResponseBody::Empty
    }
    /// The Content-Length, also where no body follows it (HEAD, 304).
    pub fn declared_length(&self) -> Option<u64> {
        None
    }
    /// Whether the upstream keeps the connection open behind this response.
    pub fn keep_alive(&self) -> bool {
        false
    }
    /// Whether Connection names this field, which is then not forwarded.
    pub fn is_named_by_connection(&self, _bytes: &[u8], _name: &[u8]) -> bool {
        false
    }
}
impl Default for ResponseHead {
    fn default() -> Self {
        Self::new()
    }
}
