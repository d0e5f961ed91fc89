//! One chunk line: a size, extensions, CRLF (RFC 9112 sections 7.1 and 7.1.1).

use crate::{ChunkError, grammar, limits};

/// A complete chunk line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkLine {
    /// Bytes of the line with its CRLF.
    pub(crate) length: usize,
    /// Bytes of data in the chunk; zero is the last one.
    pub(crate) size: u64,
    /// Bytes of extensions.
    pub(crate) extensions: usize,
    /// Whether we would write the line like this but for the case of its digits.
    pub(crate) is_canonical: bool,
}

impl ChunkLine {
    /// Reads the line `bytes` starts with; `None` until it is complete. Every byte is judged when it
    /// arrives. Only CRLF ends the line (erratum 7633), and no white space is allowed in it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, ChunkError> {
        let seen = bytes.get(..=limits::CHUNK_SIZE_DIGITS_MAX).unwrap_or(bytes);
        let digits = seen.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(seen.len());
        let (digits, behind) = bytes.split_at_checked(digits).unwrap_or_default();
        if digits.len() > limits::CHUNK_SIZE_DIGITS_MAX || (digits.is_empty() && !behind.is_empty()) {
            return Err(ChunkError::BadSize);
        }
        let extensions = match behind.first() {
            None => return Ok(None),
            Some(b'\r') => 0,
            Some(b';') => extensions_length(behind)?,
            Some(_) => return Err(ChunkError::BadSize),
        };
        match behind.get(extensions..).unwrap_or_default() {
            [b'\r', b'\n', ..] => Self::new(digits, extensions).map(Some),
            [] | [b'\r'] => Ok(None),
            _ => Err(ChunkError::BadLineEnd),
        }
    }

    fn new(digits: &[u8], extensions: usize) -> Result<Self, ChunkError> {
        let size = digits.iter().fold(0, |size, digit| size * 16 + hex_value(*digit));
        if size > i64::MAX.unsigned_abs() {
            return Err(ChunkError::BadSize);
        }
        let is_canonical = extensions == 0 && (digits == b"0" || !digits.starts_with(b"0"));
        Ok(Self { length: digits.len() + extensions + 2, size, extensions, is_canonical })
    }
}

/// Where in an extension list a byte stands.
#[derive(Clone, Copy)]
enum Place {
    Plain,
    Quoted,
    /// Behind a backslash within quotes.
    Escaped,
}

/// The length of the extensions `bytes` starts with, up to the CR behind them or as far as they have arrived.
fn extensions_length(bytes: &[u8]) -> Result<usize, ChunkError> {
    let mut place = Place::Plain;
    for (length, &byte) in bytes.iter().enumerate() {
        place = match (place, byte) {
            (Place::Plain, b'\r') => return Ok(length),
            _ if length >= limits::CHUNK_EXTENSION_BYTES_MAX => return Err(ChunkError::ExtensionsTooLong),
            (Place::Plain, b'"') => Place::Quoted,
            (Place::Plain, _) if grammar::EXTENSION.has(byte) => Place::Plain,
            (Place::Quoted, b'"') => Place::Plain,
            (Place::Quoted, b'\\') => Place::Escaped,
            (Place::Quoted | Place::Escaped, _) if grammar::is_value_byte(byte) => Place::Quoted,
            _ => return Err(ChunkError::BadExtension),
        };
    }
    Ok(bytes.len())
}

/// The value of a hexadecimal digit.
fn hex_value(digit: u8) -> u64 {
    char::from(digit).to_digit(16).map_or(0, u64::from)
}
