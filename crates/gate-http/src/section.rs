//! The lines of a head or a trailer section, found as they arrive.

use memchr::memchr;

use crate::{FieldError, FieldLine, FieldName, Span, grammar, limits};

/// How much a section may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SectionLimits {
    /// Bytes from the start of the message to the end of the section.
    pub(crate) bytes: usize,
    /// Field lines.
    pub(crate) lines: usize,
}

/// Reads a section line by line.
///
/// A line that was read is not looked at again, and the search for the end of an incomplete line goes on
/// where it stopped, so feeding a section byte by byte costs no more than feeding it whole. No verdict
/// depends on how the bytes were split: each check looks at the same bytes, in the same order, whether the
/// line is complete or not.
#[derive(Debug, Default)]
pub(crate) struct Section {
    fields: Vec<FieldLine>,
    /// Where the line being received starts.
    start: usize,
    /// Up to where no line feed was found. Invariant: not below `start`.
    searched: usize,
}

/// What [`Section::next`] found.
pub(crate) enum Next {
    /// An incomplete line.
    Partial,
    /// A field line; it is in [`Section::fields`] now.
    Field(FieldLine),
    /// The blank line. The section ends at this offset.
    End(usize),
}

impl Section {
    /// Forgets everything, keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.fields.clear();
        self.start = 0;
        self.searched = 0;
    }

    /// The field lines read so far.
    pub(crate) fn fields(&self) -> &[FieldLine] {
        &self.fields
    }

    /// The bytes of the line being received, and what came behind it.
    pub(crate) fn rest<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        bytes.get(self.start..).unwrap_or_default()
    }

    /// Skips bytes at the start of a line that is not searched yet.
    pub(crate) fn skip(&mut self, length: usize) {
        self.start += length;
        self.searched = self.start;
    }

    /// The next line, which is no field, without its CRLF. `None` until it is complete; an error when it is
    /// longer than `bytes_max` with its CRLF.
    pub(crate) fn line(&mut self, bytes: &[u8], bytes_max: usize) -> Result<Option<Span>, FieldError> {
        let limit = self.start + bytes_max;
        let window = bytes.get(self.searched..limit.min(bytes.len())).unwrap_or_default();
        let Some(offset) = memchr(b'\n', window) else {
            self.searched += window.len();
            return if bytes.len() < limit { Ok(None) } else { Err(FieldError::LineTooLong) };
        };
        let line_feed = self.searched + offset;
        let line = bytes.get(self.start..line_feed).unwrap_or_default();
        if !line.ends_with(b"\r") {
            return Err(FieldError::BareLineFeed);
        }
        let line = Span::new(self.start, line_feed - 1);
        self.skip(line_feed + 1 - self.start);
        Ok(Some(line))
    }

    /// Reads the next field line or the blank line.
    pub(crate) fn next(&mut self, bytes: &[u8], limits: SectionLimits) -> Result<Next, FieldError> {
        let room = limits.bytes.saturating_sub(self.start);
        if self.fields.len() < limits.lines
            && let Some((field, length)) = sound_line(self.rest(bytes), self.start)
            && length <= room.min(limits::LINE_BYTES_MAX)
        {
            self.skip(length);
            self.fields.push(field);
            return Ok(Next::Field(field));
        }
        self.next_of_any_kind(bytes, limits)
    }

    /// The same for what is incomplete, wrong, or no field: looks at one thing after the other, and says which it is.
    fn next_of_any_kind(&mut self, bytes: &[u8], limits: SectionLimits) -> Result<Next, FieldError> {
        check_start(self.rest(bytes))?;
        let room = limits.bytes.saturating_sub(self.start);
        let line = self.line(bytes, room.min(limits::LINE_BYTES_MAX)).map_err(|error| match error {
            FieldError::LineTooLong if room < limits::LINE_BYTES_MAX => FieldError::SectionTooLarge,
            error => error,
        })?;
        let Some(line) = line else { return Ok(Next::Partial) };
        if line.is_empty() {
            return Ok(Next::End(self.start));
        }
        if self.fields.len() >= limits.lines {
            return Err(FieldError::TooMany);
        }
        let field = parse_field(bytes, line)?;
        self.fields.push(field);
        Ok(Next::Field(field))
    }
}

/// The field line that `rest`, which begins at `start`, begins with, and its length with the CRLF, if it is there whole and
/// nothing is wrong with it. Looks at each byte once.
#[inline]
fn sound_line(rest: &[u8], start: usize) -> Option<(FieldLine, usize)> {
    let name_length = grammar::TOKEN.prefix(rest);
    let (name, behind) = rest.split_at_checked(name_length).filter(|(name, _)| !name.is_empty())?;
    let value = behind.strip_prefix(b":")?;
    let (value, end) = value.split_at_checked(grammar::field_value_prefix(value))?;
    if !end.starts_with(b"\r\n") {
        return None;
    }
    let value_start = start + name_length + 1;
    let field = field_line(name, start, value, value_start);
    Some((field, value_start - start + value.len() + 2))
}

/// Refuses a line that cannot become one, however it goes on.
fn check_start(line: &[u8]) -> Result<(), FieldError> {
    match line {
        [] | [b'\r'] | [b'\r', b'\n', ..] => Ok(()),
        [b'\n', ..] => Err(FieldError::BareLineFeed),
        [b' ' | b'\t', ..] => Err(FieldError::Folded),
        [first, ..] if grammar::TOKEN.has(*first) => Ok(()),
        _ => Err(FieldError::BadName),
    }
}

/// Reads a field line: name, colon, value.
fn parse_field(bytes: &[u8], line: Span) -> Result<FieldLine, FieldError> {
    let name_length = grammar::TOKEN.prefix(line.of(bytes));
    let Some((name, [b':', value @ ..])) = line.of(bytes).split_at_checked(name_length) else {
        return Err(FieldError::BadName);
    };
    if !grammar::is_field_value(value) {
        return Err(FieldError::BadValue);
    }
    Ok(field_line(name, line.start(), value, line.start() + name_length + 1))
}

/// A line of these parts, which begin there.
#[inline]
fn field_line(name: &[u8], name_start: usize, value: &[u8], value_start: usize) -> FieldLine {
    let trimmed = grammar::trim_start(value);
    let start = value_start + value.len() - trimmed.len();
    FieldLine {
        known: FieldName::of(name),
        name: Span::new(name_start, name_start + name.len()),
        value: Span::new(start, start + grammar::trim_end(trimmed).len()),
    }
}
