//! Content-Length and Transfer-Encoding: where a message ends.

use crate::{Version, limits};

/// Why the end of a message is in doubt. Parsers that disagree here are how requests are smuggled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// Not one decimal number up to 2⁶³ − 1 (RFC 9110 section 8.6).
    #[error("content-length is not one decimal number")]
    BadLength,
    /// A second Content-Length; in a response, one that differs.
    #[error("more than one content-length")]
    RepeatedLength,
    /// Not exactly `chunked`, exactly once (RFC 9112 section 6.1).
    #[error("transfer-encoding is not one chunked")]
    BadCoding,
    /// Both Content-Length and Transfer-Encoding (RFC 9112 section 6.3).
    #[error("both content-length and transfer-encoding")]
    LengthAndCoding,
    /// Transfer-Encoding in HTTP/1.0, which has none (RFC 9112 section 6.1).
    #[error("transfer-encoding in an http/1.0 message")]
    CodingInHttp10,
}

/// What the framing fields of a message said so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Framing {
    /// The Content-Length.
    pub(crate) length: Option<u64>,
    /// Whether the message is chunked.
    pub(crate) chunked: bool,
}

impl Framing {
    /// Adds a Content-Length field. A second one is refused, or, where `repeatable`, only one that differs.
    pub(crate) fn add_length(&mut self, value: &[u8], repeatable: bool) -> Result<(), FramingError> {
        let length = decimal(value).ok_or(FramingError::BadLength)?;
        match self.length.replace(length) {
            Some(earlier) if !repeatable || earlier != length => Err(FramingError::RepeatedLength),
            _ => Ok(()),
        }
    }

    /// Adds a Transfer-Encoding field.
    pub(crate) fn add_coding(&mut self, value: &[u8]) -> Result<(), FramingError> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(FramingError::BadCoding);
        }
        self.chunked = true;
        Ok(())
    }

    /// Checks what only shows when all fields are there.
    pub(crate) fn finish(self, version: Version) -> Result<(), FramingError> {
        match (self.chunked, self.length, version) {
            (true, Some(_), _) => Err(FramingError::LengthAndCoding),
            (true, None, Version::Http10) => Err(FramingError::CodingInHttp10),
            _ => Ok(()),
        }
    }
}

/// Reads 1*DIGIT. Leading zeros are legal; nothing else is.
fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > limits::CONTENT_LENGTH_DIGITS_MAX {
        return None;
    }
    let number = value.iter().try_fold(0u64, |number, byte| {
        // Nineteen digits stay below 2⁶⁴, so nothing overflows.
        byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
    })?;
    (number <= i64::MAX.unsigned_abs()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<u64>) {
        assert_eq!(decimal(value.as_bytes()), expected, "{value:?}");
    }

    #[test]
    fn a_length_is_plain_decimal_digits() {
        check("0", Some(0));
        check("5", Some(5));
        check("0005", Some(5));
        check("9223372036854775807", Some(9_223_372_036_854_775_807));
        check("0000000000000000005", Some(5));
    }

    #[test]
    fn nothing_else_is_a_length() {
        let refused = [
            "",
            "+5",
            "-5",
            "0x5",
            "5_0",
            "5.0",
            "5e0",
            "\"5\"",
            "5;5",
            "5,",
            "5, 5",
            "0 5",
            "5 ",
            "٥",
            "9223372036854775808",
            "9999999999999999999",
            "18446744073709551616",
            "00000000000000000005",
        ];
        for value in refused {
            check(value, None);
        }
    }
}
