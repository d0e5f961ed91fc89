//! What a request is called: in its response, in the log, in its trace, and towards its upstream.

use std::fmt;

/// What a request is called (`X-Request-Id`): 1 to 72 bytes that can stand in a header and in a log line as they are.
/// Held in place: making one allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    bytes: [u8; LENGTH_MAX],
    /// Invariant: so many of them are ASCII letters, digits and `-_.:`.
    length: u8,
}

impl RequestId {
    /// An id of our own: 16 hexadecimal digits.
    #[inline]
    pub fn new(bits: u64) -> Self {
        let mut bytes = [0; LENGTH_MAX];
        let (halves, _) = bytes.as_chunks_mut();
        for (half, shift) in halves.iter_mut().zip([32, 0]) {
            *half = hex_digits((bits >> shift) & u64::from(u32::MAX)).to_be_bytes();
        }
        RequestId { bytes, length: DIGITS }
    }

    /// An id that somebody else has given; `None` if it would disturb a header or a log line, or is too long.
    pub fn parse(given: &[u8]) -> Option<Self> {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
        if given.is_empty() || !given.iter().all(is_plain) {
            return None;
        }
        let mut bytes = [0; LENGTH_MAX];
        bytes.get_mut(..given.len())?.copy_from_slice(given);
        Some(RequestId { bytes, length: u8::try_from(given.len()).ok()? })
    }

    /// As it stands in a header.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// As it stands in the log.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The eight digits of a number of 32 bits, the first one in the highest byte: first its digits are drawn apart, half by half,
/// then each becomes a character.
fn hex_digits(number: u64) -> u64 {
    let words = (number | number << 16) & 0x0000_ffff_0000_ffff;
    let bytes = (words | words << 8) & 0x00ff_00ff_00ff_00ff;
    let digits = (bytes | bytes << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let letters = ((digits + EACH_BYTE * 6) >> 4) & EACH_BYTE;
    digits + EACH_BYTE * u64::from(b'0') + letters * u64::from(b'a' - b'0' - 10)
}

/// 1 in each byte.
const EACH_BYTE: u64 = u64::MAX / 0xff;
/// Twice a UUID: longer ones would only fill the log.
const LENGTH_MAX: usize = 72;
/// Of an id of our own.
const DIGITS: u8 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_our_own_is_16_hexadecimal_digits() {
        for bits in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            let id = RequestId::new(bits);
            assert_eq!(id.as_str(), format!("{bits:016x}"));
            assert_eq!(RequestId::parse(id.as_bytes()), Some(id));
        }
    }

    #[track_caller]
    fn check(given: &str, is_kept: bool) {
        assert_eq!(
            RequestId::parse(given.as_bytes()).map(|id| id.to_string()),
            is_kept.then(|| given.into())
        );
    }

    #[test]
    fn a_given_id_is_kept_if_it_disturbs_neither_a_header_nor_a_log_line() {
        check("01-ab.C_d:e", true);
        check("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", true);
        check(&"x".repeat(72), true);
        check(&"x".repeat(73), false);
        for given in ["", "a b", "a\"b", "a\\b", "a,b", "a\nb", "a\r\nX-Admin: 1", "a=b", "ü", "\0"] {
            check(given, false);
        }
    }
}
