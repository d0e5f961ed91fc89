//! The head of a request.

use crate::connection::ConnectionOptions;
use crate::framing::Framing;
use crate::request_line::RequestLine;
use crate::section::{Next, Section, SectionLimits};
use crate::{
    FieldLine, FieldName, Method, Progress, RequestError, Span, Version, authority, grammar, limits,
};

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

/// The head of a request.
///
/// ```text
///              request line            field line
///            ┌──────────────┐         ┌──────────┐
///  new,      │              ▼         │          ▼       blank line
///  clear ──▶ start        fields ─────┴────▶ fields ───────────────▶ complete
/// ```
///
/// One value serves all requests of a connection: [`RequestHead::clear`] keeps its memory, so that parsing
/// allocates only until the largest head so far. It borrows nothing; everything it knows are positions in
/// the bytes it was parsed from and facts about them. What the accessors return means something after
/// [`Progress::Complete`].
#[derive(Debug, Default)]
pub struct RequestHead {
    section: Section,
    facts: Facts,
}

/// What is known about the request. Everything but the fields, and cheap to reset.
#[derive(Debug, Default)]
struct Facts {
    empty_lines: u8,
    line: Option<RequestLine>,
    host: Option<Span>,
    framing: Framing,
    connection: ConnectionOptions,
    expects_continue: bool,
    has_upgrade: bool,
    accepts_trailers: bool,
    has_odd_name: bool,
    /// The length of the head once it is complete.
    length: Option<usize>,
}

impl RequestHead {
    const LIMITS: SectionLimits =
        SectionLimits { bytes: limits::HEAD_BYTES_MAX, lines: limits::REQUEST_FIELDS_MAX };

    /// An empty head.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the request and keeps the memory for the next one.
    pub fn clear(&mut self) {
        self.section.clear();
        self.facts = Facts::default();
    }

    /// Goes on parsing.
    ///
    /// `bytes` is everything received of this request so far, so each call gets what the last one got and
    /// more. A line that was parsed is not looked at again. The verdict does not depend on how the bytes
    /// were split into calls, and a mistake is found in the first line that has one, before the next line
    /// arrives; bytes that cannot begin a request (a TLS handshake, say) are refused without waiting for
    /// the end of the line. After an error the head must be [cleared](RequestHead::clear).
    pub fn parse(&mut self, bytes: &[u8]) -> Result<Progress, RequestError> {
        if let Some(length) = self.facts.length {
            return Ok(Progress::Complete { length });
        }
        if self.facts.line.is_none() && !self.parse_line(bytes)? {
            return Ok(Progress::Partial);
        }
        loop {
            match self.section.next(bytes, Self::LIMITS)? {
                Next::Partial => return Ok(Progress::Partial),
                Next::Field(field) => self.facts.add(field, bytes)?,
                Next::End(length) => {
                    self.facts.finish(bytes)?;
                    self.facts.length = Some(length);
                    return Ok(Progress::Complete { length });
                }
            }
        }
    }

    /// Skips empty lines and parses the request line. False until it is complete.
    fn parse_line(&mut self, bytes: &[u8]) -> Result<bool, RequestError> {
        while self.section.rest(bytes).starts_with(b"\r\n") {
            self.section.skip(2);
            self.facts.empty_lines += 1;
            if self.facts.empty_lines > limits::LEADING_EMPTY_LINES_MAX {
                return Err(RequestError::BadRequestLine);
            }
        }
        self.facts.line = RequestLine::parse(&mut self.section, bytes)?;
        Ok(self.facts.line.is_some())
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.facts.line.map_or(Method::Other, |line| line.method)
    }

    /// The method as it was sent.
    pub fn method_span(&self) -> Span {
        self.facts.line.map(|line| line.method_span).unwrap_or_default()
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.facts.version()
    }

    /// The whole target as it was sent.
    pub fn target(&self) -> Span {
        self.facts.line.map(|line| line.target.whole).unwrap_or_default()
    }

    /// The path of an origin-form or absolute-form target, never empty; `*` for `OPTIONS *`; empty for CONNECT.
    pub fn path(&self) -> Span {
        self.facts.line.map(|line| line.target.path).unwrap_or_default()
    }

    /// The query with its `?`, or empty.
    pub fn query(&self) -> Span {
        self.facts.line.map(|line| line.target.query).unwrap_or_default()
    }

    /// The host and port the request is for: the Host field, which an absolute-form target has to equal.
    /// Empty only in HTTP/1.0, which has no such field.
    pub fn host(&self) -> Span {
        self.facts.host.unwrap_or_default()
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
    pub fn body(&self) -> RequestBody {
        match self.facts.framing {
            Framing { chunked: true, .. } => RequestBody::Chunked,
            Framing { length: Some(length), .. } => RequestBody::Length(length),
            Framing { length: None, .. } => RequestBody::Empty,
        }
    }

    /// Whether the connection may carry another request (RFC 9112 section 9.3).
    pub fn keep_alive(&self) -> bool {
        let options = self.facts.connection;
        !options.close && (self.version() == Version::Http11 || options.keep_alive)
    }

    /// Whether the client waits for 100 (Continue) before it sends its body. False without a body and in
    /// HTTP/1.0 (RFC 9110 section 10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.facts.expects_continue && !matches!(self.body(), RequestBody::Empty | RequestBody::Length(0))
    }

    /// Whether the client asks for another protocol: `upgrade` anywhere in Connection and an Upgrade field
    /// (contract H48).
    pub fn wants_upgrade(&self) -> bool {
        self.facts.connection.upgrade && self.facts.has_upgrade && self.version() == Version::Http11
    }

    /// Whether the client reads trailers: `TE: trailers` (RFC 9110 section 6.5.1).
    pub fn accepts_trailers(&self) -> bool {
        self.facts.accepts_trailers
    }

    /// Whether a field's name holds anything but letters, digits and `-`: some readers may take it for another.
    pub fn has_odd_name(&self) -> bool {
        self.facts.has_odd_name
    }

    /// Whether Connection names the field `name`, which is then for this connection only (contract H21).
    /// `bytes` are the ones that were parsed. Fields that are hop-by-hop anyway need not be asked for.
    pub fn is_named_by_connection(&self, bytes: &[u8], name: &[u8]) -> bool {
        self.facts.connection.names(self.fields(), bytes, name)
    }
}

impl Facts {
    fn version(&self) -> Version {
        self.line.map_or(Version::Http11, |line| line.version)
    }

    /// Takes note of a field.
    fn add(&mut self, field: FieldLine, bytes: &[u8]) -> Result<(), RequestError> {
        let value = field.value.of(bytes);
        match field.known {
            FieldName::Connection => self.add_connection(value)?,
            FieldName::ContentLength => self.framing.add_length(value, false)?,
            FieldName::Expect if self.version() == Version::Http11 => self.add_expectation(value)?,
            FieldName::Host => self.add_host(field.value, value)?,
            FieldName::Te => self.accepts_trailers |= names_trailers(value),
            FieldName::TransferEncoding => self.framing.add_coding(value)?,
            FieldName::Upgrade => self.has_upgrade = true,
            FieldName::Other if !FieldName::is_plain(field.name.of(bytes)) => {
                self.add_odd_name(field.name.of(bytes))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn add_odd_name(&mut self, name: &[u8]) -> Result<(), RequestError> {
        self.has_odd_name = true;
        if FieldName::is_disguised(name) { Err(RequestError::DisguisedName) } else { Ok(()) }
    }

    fn add_connection(&mut self, value: &[u8]) -> Result<(), RequestError> {
        self.connection.add(value);
        if self.connection.malformed { Err(RequestError::BadConnection) } else { Ok(()) }
    }

    fn add_expectation(&mut self, value: &[u8]) -> Result<(), RequestError> {
        if self.expects_continue || !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(RequestError::BadExpectation);
        }
        self.expects_continue = true;
        Ok(())
    }

    fn add_host(&mut self, span: Span, value: &[u8]) -> Result<(), RequestError> {
        if !authority::is_authority(value) {
            return Err(RequestError::BadHost);
        }
        match self.host.replace(span) {
            Some(_) => Err(RequestError::RepeatedHost),
            None => Ok(()),
        }
    }

    /// Checks what only shows when all fields are there.
    fn finish(&mut self, bytes: &[u8]) -> Result<(), RequestError> {
        self.framing.finish(self.version())?;
        let Some(line) = self.line else { return Err(RequestError::BadRequestLine) };
        let has_body = self.framing.length.is_some_and(|length| length > 0);
        if line.version == Version::Http10 && has_body && line.method.is_bodiless_in_http10() {
            return Err(RequestError::UnexpectedBody);
        }
        self.settle_host(line, bytes)
    }

    /// Brings the authority of the target and the Host field together.
    fn settle_host(&mut self, line: RequestLine, bytes: &[u8]) -> Result<(), RequestError> {
        let authority = line.target.authority;
        match self.host {
            None if line.version == Version::Http11 => Err(RequestError::MissingHost),
            None => {
                self.host = Some(authority);
                Ok(())
            }
            Some(_) if authority.is_empty() => Ok(()),
            Some(host) if host.of(bytes).eq_ignore_ascii_case(authority.of(bytes)) => Ok(()),
            Some(_) => Err(RequestError::HostMismatch),
        }
    }
}

fn names_trailers(value: &[u8]) -> bool {
    grammar::elements(value).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}
