//! One field line of a head or a trailer section.

use crate::{FieldName, Span};

/// A field line. The spans are positions in the bytes the head was parsed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldLine {
    /// The name as it was sent.
    pub name: Span,
    /// The value without the white space around it.
    pub value: Span,
    /// The name, recognised.
    pub known: FieldName,
}

/// What is wrong with a field line, or with all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// A name that is empty, is not a token, or is not followed by a colon at once (RFC 9112 section 5.1).
    #[error("field name is not a token followed by a colon")]
    BadName,
    /// A control character in a value: CR, NUL, DEL and the like (RFC 9110 section 5.5).
    #[error("control character in a field value")]
    BadValue,
    /// A line ends in LF without CR (RFC 9112 section 2.2).
    #[error("line ends without a carriage return")]
    BareLineFeed,
    /// White space before the first field or a value continued on a second line (RFC 9112 sections 2.2 and 5.2).
    #[error("line starts with white space")]
    Folded,
    /// The section is larger than its buffer.
    #[error("header section is too large")]
    SectionTooLarge,
    /// A line is longer than [`LINE_BYTES_MAX`](crate::limits::LINE_BYTES_MAX).
    #[error("field line is too long")]
    LineTooLong,
    /// More lines than allowed.
    #[error("too many field lines")]
    TooMany,
}

impl FieldError {
    /// The status for the client that sent the line.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadName | Self::BadValue | Self::BareLineFeed | Self::Folded => 400,
            Self::SectionTooLarge | Self::LineTooLong | Self::TooMany => 431,
        }
    }
}
