//! The head of a response.

use crate::connection::ConnectionOptions;
use crate::framing::Framing;
use crate::section::{Next, Section, SectionLimits};
use crate::status_line::StatusLine;
use crate::{FieldError, FieldLine, FieldName, FramingError, Method, Progress, Span, Version, limits};

/// How the body of a response is framed (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseBody {
    /// No body, whatever the fields say: the answer to HEAD, 1xx, 204, 304.
    Empty,
    /// Content-Length.
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
    /// Neither: the body ends with the connection.
    UntilClose,
}

/// Why a response was refused (robustness table C, rows C4 to C6). The client gets a 502 and the connection
/// to the upstream is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Not `HTTP/1.x`, a status of three digits from 100 on and a reason phrase (RFC 9112 section 4).
    #[error("malformed status line")]
    BadStatusLine,
    /// A field line, or all of them together.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The end of the body is in doubt.
    #[error(transparent)]
    Framing(#[from] FramingError),
}

/// The head of a response.
///
/// Used like [`RequestHead`](crate::RequestHead): one value for all responses of a connection, positions
/// instead of copies. An interim response (1xx) is a head like any other, with an empty body; the next head
/// follows it after [`ResponseHead::clear`].
#[derive(Debug, Default)]
pub struct ResponseHead {
    section: Section,
    facts: Facts,
}

/// What is known about the response. Everything but the fields, and cheap to reset.
#[derive(Debug, Default)]
struct Facts {
    line: Option<StatusLine>,
    framing: Framing,
    connection: ConnectionOptions,
    /// How the body is framed, once the head is complete.
    body: Option<ResponseBody>,
    /// The length of the head once it is complete.
    length: Option<usize>,
}

impl ResponseHead {
    const LIMITS: SectionLimits =
        SectionLimits { bytes: limits::HEAD_BYTES_MAX, lines: limits::RESPONSE_FIELDS_MAX };

    /// An empty head.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the response and keeps the memory for the next one.
    pub fn clear(&mut self) {
        self.section.clear();
        self.facts = Facts::default();
    }

    /// Goes on parsing, in the manner of [`RequestHead::parse`](crate::RequestHead::parse). How the body is
    /// framed depends on the method of the request that is answered.
    pub fn parse(&mut self, bytes: &[u8], request_method: Method) -> Result<Progress, ResponseError> {
        if let Some(length) = self.facts.length {
            return Ok(Progress::Complete { length });
        }
        if self.facts.line.is_none() {
            self.facts.line = StatusLine::parse(&mut self.section, bytes)?;
        }
        let Some(line) = self.facts.line else { return Ok(Progress::Partial) };
        loop {
            match self.section.next(bytes, Self::LIMITS)? {
                Next::Partial => return Ok(Progress::Partial),
                Next::Field(field) => self.facts.add(field, bytes)?,
                Next::End(length) => {
                    self.facts.framing.finish(line.version)?;
                    self.facts.body = Some(self.facts.framed_body(line.status, request_method));
                    self.facts.length = Some(length);
                    return Ok(Progress::Complete { length });
                }
            }
        }
    }

    /// The status code, 100 to 999.
    pub fn status(&self) -> u16 {
        self.facts.line.map_or(0, |line| line.status)
    }

    /// The reason phrase as it was sent, often empty.
    pub fn reason(&self) -> Span {
        self.facts.line.map(|line| line.reason).unwrap_or_default()
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.facts.line.map_or(Version::Http11, |line| line.version)
    }

    /// All field lines in the order they were received.
    pub fn fields(&self) -> &[FieldLine] {
        self.section.fields()
    }

    /// The first field line with this name.
    pub fn field(&self, known: FieldName) -> Option<FieldLine> {
        self.fields().iter().find(|field| field.known == known).copied()
    }

    /// How the body is framed.
    pub fn body(&self) -> ResponseBody {
        self.facts.body.unwrap_or(ResponseBody::UntilClose)
    }

    /// The Content-Length, also where no body follows it (HEAD, 304).
    pub fn declared_length(&self) -> Option<u64> {
        self.facts.framing.length
    }

    /// Whether the connection may carry another response (RFC 9112 section 9.3). Not behind a body that ends
    /// with it, and not behind a 1xx or 204 that announces a body, because one may follow.
    pub fn keep_alive(&self) -> bool {
        let options = self.facts.connection;
        let persists = !options.close && (self.version() == Version::Http11 || options.keep_alive);
        persists && self.body() != ResponseBody::UntilClose && !self.facts.announces_impossible_body()
    }

    /// Whether Connection names the field `name`, which is then for this connection only (contract H21).
    /// `bytes` are the ones that were parsed. Fields that are hop-by-hop anyway need not be asked for.
    pub fn is_named_by_connection(&self, bytes: &[u8], name: &[u8]) -> bool {
        self.facts.connection.names(self.fields(), bytes, name)
    }
}

impl Facts {
    /// Takes note of a field.
    fn add(&mut self, field: FieldLine, bytes: &[u8]) -> Result<(), FramingError> {
        let value = field.value.of(bytes);
        match field.known {
            // Options that are not tokens are no options; what they may have meant is harmless here.
            FieldName::Connection => self.connection.add(value),
            FieldName::ContentLength => self.framing.add_length(value, true)?,
            FieldName::TransferEncoding => self.framing.add_coding(value)?,
            _ => {}
        }
        Ok(())
    }

    /// RFC 9112 section 6.3, in its order.
    fn framed_body(&self, status: u16, request_method: Method) -> ResponseBody {
        if request_method == Method::Head || has_no_body(status) {
            return ResponseBody::Empty;
        }
        match self.framing {
            Framing { chunked: true, .. } => ResponseBody::Chunked,
            Framing { length: Some(length), .. } => ResponseBody::Length(length),
            Framing { length: None, .. } => ResponseBody::UntilClose,
        }
    }

    /// Whether a status that must not have framing fields (RFC 9110 section 8.6) has one.
    fn announces_impossible_body(&self) -> bool {
        let status = self.line.map_or(0, |line| line.status);
        let announces = self.framing.chunked || self.framing.length.is_some_and(|length| length > 0);
        announces && has_no_body(status) && status != 304
    }
}

/// Whether responses with this status end with their head.
const fn has_no_body(status: u16) -> bool {
    matches!(status, 100..=199 | 204 | 304)
}
