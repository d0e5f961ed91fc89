//! Text that may hold anything, in a line that must stay one line.

use std::fmt;

/// Appends text between the quotes of a JSON string. What is not UTF-8 becomes U+FFFD, and so much of a long text is left
/// out that a line stays a line.
pub(super) fn push_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    let (bytes, is_cut) = match bytes.get(..BYTES_MAX) {
        Some(start) => (start, bytes.len() > BYTES_MAX),
        None => (bytes, false),
    };
    if are_plain(bytes) {
        out.extend_from_slice(bytes);
    } else {
        push_seldom(out, bytes);
    }
    if is_cut {
        out.extend_from_slice("…".as_bytes());
    }
}

/// What has to be escaped where it stands, as it is displayed.
pub(super) struct Escaping<'a> {
    out: &'a mut Vec<u8>,
    left: usize,
}

impl<'a> Escaping<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Escaping { out, left: BYTES_MAX }
    }
}

impl fmt::Write for Escaping<'_> {
    /// An error once there is too much of it, which ends the display.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.left == 0 {
            return Err(fmt::Error);
        }
        push_escaped(self.out, text.as_bytes());
        self.left = self.left.saturating_sub(text.len());
        Ok(())
    }
}

/// Whether all bytes may stand in a quoted string, and on a terminal, as they are.
#[inline]
pub(super) fn are_plain(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk() {
        // The last word overlaps the one before it.
        let (words, _) = bytes.as_chunks();
        return words.iter().all(|word| is_plain_word(u64::from_le_bytes(*word)))
            && is_plain_word(u64::from_le_bytes(*last));
    }
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            let half = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
            is_plain_word(half(first) | half(last) << 32)
        }
        _ => bytes.iter().copied().all(is_plain),
    }
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// The same of eight bytes at once. What is added to or taken from a byte sets its highest bit if that byte is not plain; it
/// changes the byte above only if this one has set its bit already.
#[inline]
fn is_plain_word(word: u64) -> bool {
    let each = |byte: u8| EACH_BYTE * u64::from(byte);
    let is_not = |byte: u8| (word ^ each(byte)).wrapping_sub(EACH_BYTE);
    let not_plain =
        word | word.wrapping_sub(each(b' ')) | word.wrapping_add(each(1)) | is_not(b'"') | is_not(b'\\');
    not_plain & each(0x80) == 0
}

#[cold]
fn push_seldom(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some((at, character)) = rest.char_indices().find(|(_, character)| is_escaped(*character)) {
            let (run, behind) = rest.split_at(at);
            out.extend_from_slice(run.as_bytes());
            push_escape(out, character);
            rest = behind.get(character.len_utf8()..).unwrap_or_default();
        }
        out.extend_from_slice(rest.as_bytes());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// Control characters of the second block as well: terminals obey them.
fn is_escaped(character: char) -> bool {
    character.is_control() || matches!(character, '"' | '\\')
}

fn push_escape(out: &mut Vec<u8>, character: char) {
    match character {
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        _ => {
            out.extend_from_slice(b"\\u00");
            push_hexadecimal(out, character as u32);
        }
    }
}

fn push_hexadecimal(out: &mut Vec<u8>, code: u32) {
    for digit in [code >> 4 & 15, code & 15] {
        out.push(char::from_digit(digit, 16).map_or(b'0', |digit| digit as u8));
    }
}

/// 1 in each byte of a word.
const EACH_BYTE: u64 = u64::MAX / 0xff;
/// A target says a lot in two thousand bytes; what is longer is not a target but a payload.
const BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    fn escaped(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        push_escaped(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_byte_ends_the_line_or_the_string() {
        let every: Vec<u8> = (0..=255).collect();
        let text = escaped(&every);
        assert!(text.chars().all(|c| !c.is_control()), "{text}");
        assert!(text.starts_with(r"\u0000\u0001"), "{text}");
    }

    #[test]
    fn bytes_are_plain_together_if_each_of_them_is() {
        for length in 1..20 {
            for place in 0..length {
                for byte in 0..=255 {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    assert_eq!(are_plain(&bytes), is_plain(byte), "{bytes:?}");
                }
            }
        }
        assert!(are_plain(b""));
        for pair in 0..=u16::MAX {
            let [a, b] = pair.to_le_bytes();
            assert_eq!(are_plain(&[b'~', a, b, b' ', b'!', b'#', b'[', b']']), is_plain(a) && is_plain(b));
        }
    }

    #[test]
    fn what_terminals_obey_is_escaped_in_utf8_as_well() {
        assert_eq!(escaped("\u{9b}2J\u{1b}[2J é ☃".as_bytes()), r"\u009b2J\u001b[2J é ☃");
        assert_eq!(escaped("\"say\" \\ é\n\t\r".as_bytes()), r#"\"say\" \\ é\n\t\r"#);
        assert_eq!(escaped(b"a\xffb\xe2\x98"), "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(escaped(&[b'a'; BYTES_MAX]).len(), BYTES_MAX);
        assert_eq!(escaped(&[b'a'; BYTES_MAX + 1]).len(), BYTES_MAX + "…".len());
        let mut out = Vec::new();
        let mut escaping = Escaping::new(&mut out);
        while escaping.write_str("0123456789\n").is_ok() {}
        assert!(out.len() < 2 * BYTES_MAX);
    }
}
