//! The first line of a request (RFC 9112 section 3).

use crate::section::Section;
use crate::target::Target;
use crate::{FieldError, Method, RequestError, Span, Version, grammar, limits};

/// A request line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine {
    pub(crate) method: Method,
    pub(crate) method_span: Span,
    pub(crate) target: Target,
    pub(crate) version: Version,
}

impl RequestLine {
    /// Reads the line at the start of `section`. `None` until it is complete.
    pub(crate) fn parse(section: &mut Section, bytes: &[u8]) -> Result<Option<Self>, RequestError> {
        let Some(method_length) = method_length(section.rest(bytes))? else { return Ok(None) };
        let line = section.line(bytes, limits::REQUEST_LINE_BYTES_MAX).map_err(|error| match error {
            FieldError::LineTooLong => RequestError::TargetTooLong,
            error => RequestError::Field(error),
        })?;
        line.map(|line| Self::split(bytes, line, method_length)).transpose()
    }

    /// Takes a complete line apart.
    fn split(bytes: &[u8], line: Span, method_length: usize) -> Result<Self, RequestError> {
        let method_span = Span::new(line.start(), line.start() + method_length);
        let (version, version_length) = version_behind(line.of(bytes))?;
        let target = Span::new(method_span.end() + 1, line.end() - version_length);
        if target.len() > limits::TARGET_BYTES_MAX {
            return Err(RequestError::TargetTooLong);
        }
        let method = Method::of(method_span.of(bytes));
        let target = Target::parse(bytes, target, method).ok_or(RequestError::BadTarget)?;
        Ok(Self { method, method_span, target, version: version.ok_or(RequestError::UnsupportedVersion)? })
    }
}

/// The length of the method at the start of `line`; `None` while it may go on. Whatever cannot be a method
/// is refused here, without waiting for the line to end.
fn method_length(line: &[u8]) -> Result<Option<usize>, RequestError> {
    let seen = line.get(..limits::METHOD_BYTES_MAX + 1).unwrap_or(line);
    let length = grammar::TOKEN.prefix(seen);
    match seen.get(length) {
        Some(b' ') if length > 0 => Ok(Some(length)),
        None if length <= limits::METHOD_BYTES_MAX => Ok(None),
        Some(b'\r') if line.len() == 1 => Ok(None), // half of an empty line
        _ => Err(RequestError::BadRequestLine),
    }
}

/// The version at the end of `line` (`None`: a major version not spoken here) and the bytes it takes with
/// the space before it.
fn version_behind(line: &[u8]) -> Result<(Option<Version>, usize), RequestError> {
    const LENGTH: usize = b" HTTP/1.1".len();
    let version = match line.last_chunk::<LENGTH>() {
        Some(b" HTTP/1.1") => Some(Version::Http11),
        Some(b" HTTP/1.0") => Some(Version::Http10),
        Some([b' ', b'H', b'T', b'T', b'P', b'/', b'0' | b'2'..=b'9', b'.', b'0'..=b'9']) => None,
        _ => return Err(RequestError::BadRequestLine),
    };
    Ok((version, LENGTH))
}
