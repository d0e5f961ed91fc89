//! Text that may hold anything, in a line that must stay one line.

use std::fmt;

/// Appends text between the quotes of a JSON string. What is not UTF-8 becomes U+FFFD, and so much of a long text is left
/// out that a line stays a line.
pub(super) fn push_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    let (bytes, is_cut) = match bytes.get(..BYTES_MAX) {
        Some(start) => (start, bytes.len() > BYTES_MAX),
        None => (bytes, false),
    };
    if bytes.iter().copied().all(is_plain) {
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

/// Whether a byte may stand in a quoted string, and on a terminal, as it is.
pub(super) fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

#[cold]
fn push_seldom(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_character(out, character);
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn push_character(out: &mut Vec<u8>, character: char) {
    match character {
        '"' | '\\' => out.extend_from_slice(&[b'\\', character as u8]),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        // The second block of control characters as well: terminals obey them.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
            out.extend_from_slice(b"\\u00");
            push_hexadecimal(out, character as u32);
        }
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

fn push_hexadecimal(out: &mut Vec<u8>, code: u32) {
    for digit in [code >> 4 & 15, code & 15] {
        out.push(char::from_digit(digit, 16).map_or(b'0', |digit| digit as u8));
    }
}

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
    fn what_terminals_obey_is_escaped_in_utf8_as_well() {
        assert_eq!(escaped("\u{9b}2J\u{1b}[2J é ☃".as_bytes()), r"\u009b2J\u001b[2J é ☃");
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
