//! The first line of a response (RFC 9112 section 4).

use crate::section::Section;
use crate::{ResponseError, Span, Version, grammar, limits};

/// A status line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatusLine {
    pub(crate) version: Version,
    pub(crate) status: u16,
    pub(crate) reason: Span,
}

impl StatusLine {
    /// Reads the line at the start of `section`. `None` until it is complete; what does not start like one
    /// is refused at once.
    pub(crate) fn parse(section: &mut Section, bytes: &[u8]) -> Result<Option<Self>, ResponseError> {
        const START: &[u8] = b"HTTP/1.";
        let seen = section.rest(bytes);
        if !START.starts_with(seen.get(..START.len()).unwrap_or(seen)) {
            return Err(ResponseError::BadStatusLine);
        }
        let line = section.line(bytes, limits::LINE_BYTES_MAX)?;
        line.map(|line| Self::split(bytes, line).ok_or(ResponseError::BadStatusLine)).transpose()
    }

    /// Takes a complete line apart.
    fn split(bytes: &[u8], line: Span) -> Option<Self> {
        let (version, behind) = line.of(bytes).split_first_chunk::<9>()?;
        let version = match version {
            b"HTTP/1.1 " => Version::Http11,
            b"HTTP/1.0 " => Version::Http10,
            _ => return None,
        };
        let (digits, behind) = behind.split_first_chunk::<3>()?;
        let status = three_digits(*digits)?;
        // Many servers leave the phrase out, and some of them the space before it.
        let reason = if behind.is_empty() { behind } else { behind.strip_prefix(b" ")? };
        let start = line.end() - reason.len();
        grammar::is_field_value(reason).then(|| Self {
            version,
            status,
            reason: Span::new(start, line.end()),
        })
    }
}

/// A status from 100 to 999.
fn three_digits(digits: [u8; 3]) -> Option<u16> {
    let is_status = digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"0");
    is_status.then(|| digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0')))
}
