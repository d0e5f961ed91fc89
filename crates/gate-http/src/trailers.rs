//! The trailer section behind the last chunk (RFC 9112 section 7.1.2).

use crate::section::{Next, Section, SectionLimits};
use crate::{ChunkError, FieldLine, FieldName, Progress, limits};

/// A trailer section, reusable: [`Trailers::clear`] keeps its memory. Its fields are as strict as those of
/// a head; which of them may go on is for [`may_be_trailer`] to say.
#[derive(Debug, Default)]
pub struct Trailers {
    section: Section,
    /// The length of the section once it is complete.
    length: Option<usize>,
}

impl Trailers {
    const LIMITS: SectionLimits =
        SectionLimits { bytes: limits::TRAILER_BYTES_MAX, lines: limits::TRAILER_FIELDS_MAX };

    /// An empty section.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the section and keeps the memory for the next one.
    pub fn clear(&mut self) {
        self.section.clear();
        self.length = None;
    }

    /// Goes on parsing, in the manner of [`RequestHead::parse`](crate::RequestHead::parse). `bytes` is
    /// everything received behind the line of the last chunk; with no trailers it is one blank line.
    pub fn parse(&mut self, bytes: &[u8]) -> Result<Progress, ChunkError> {
        while self.length.is_none() {
            match self.section.next(bytes, Self::LIMITS)? {
                Next::Partial => return Ok(Progress::Partial),
                Next::Field(_) => {}
                Next::End(length) => self.length = Some(length),
            }
        }
        Ok(Progress::Complete { length: self.length.unwrap_or_default() })
    }

    /// All field lines in the order they were received.
    pub fn fields(&self) -> &[FieldLine] {
        self.section.fields()
    }
}

/// Whether a field may stand behind the body. Whatever is needed to frame, route, authenticate, cache or
/// read the message may not (RFC 9110 section 6.5.1), because it would come after the decision it is for.
pub fn may_be_trailer(known: FieldName, name: &[u8]) -> bool {
    let is_kept_known = matches!(known, FieldName::Date | FieldName::Server | FieldName::XRequestId);
    let is_other = known == FieldName::Other && !FieldName::is_disguised(name);
    let has_prefix =
        |prefix: &&[u8]| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let is_refused = |refused: &&[u8]| name.eq_ignore_ascii_case(refused);
    (is_kept_known || is_other) && !REFUSED_PREFIXES.iter().any(has_prefix) && !REFUSED.iter().any(is_refused)
}

/// Families of fields that describe the content, make the request conditional, or speak for a client or proxy.
const REFUSED_PREFIXES: [&[u8]; 6] =
    [b"accept-", b"access-control-", b"content-", b"if-", b"proxy-", b"x-forwarded-"];

/// The rest of RFC 9110 section 6.5.1 that has no [`FieldName`] of its own.
const REFUSED: [&[u8]; 12] = [
    b"accept",
    b"age",
    b"authentication-info",
    b"cache-control",
    b"expires",
    b"max-forwards",
    b"pragma",
    b"range",
    b"set-cookie2",
    b"vary",
    b"warning",
    b"www-authenticate",
];
