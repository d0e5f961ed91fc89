//! The character classes of RFC 9110 and RFC 3986.

/// A set of bytes; one bit of the table entry of each byte in it.
#[derive(Clone, Copy)]
pub(crate) struct Class(u8);

/// `tchar` (RFC 9110 section 5.6.2): methods, field names, list elements.
pub(crate) const TOKEN: Class = Class(1);
/// `pchar`, `/` and `%` (RFC 3986 section 3.3): a path.
pub(crate) const PATH: Class = Class(2);
/// [`PATH`], `?`, and the `[` and `]` that RFC 3986 section 3.4 asks to be encoded but `filter[a]=b` is
/// sent without everywhere.
pub(crate) const QUERY: Class = Class(4);
/// `unreserved` (RFC 3986 section 2.3): a host name. Percent-encoding and `sub-delims` are in the grammar
/// of a host but in no name that resolves, and a comma makes a list of it.
pub(crate) const HOST: Class = Class(8);
/// What stands outside the quotes of a chunk extension: `tchar`, `;` and `=` (RFC 9112 section 7.1.1).
pub(crate) const EXTENSION: Class = Class(16);

impl Class {
    /// Whether `byte` is in this set.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "the table has an entry for every byte")]
    pub(crate) fn has(self, byte: u8) -> bool {
        CLASSES[byte as usize] & self.0 != 0
    }

    /// How many bytes at the start of `bytes` are in this set.
    #[inline]
    pub(crate) fn prefix(self, bytes: &[u8]) -> usize {
        bytes.iter().position(|&byte| !self.has(byte)).unwrap_or(bytes.len())
    }
}

/// Whether `bytes` is a token (RFC 9110 section 5.6.2): a method, a field name, a connection option.
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && TOKEN.prefix(bytes) == bytes.len()
}

/// Whether `bytes` may be the value of a field (RFC 9110 section 5.5): no control character but HTAB.
/// Bytes above 127 may.
#[inline]
pub fn is_field_value(bytes: &[u8]) -> bool {
    // Eight bytes at a time; values are short, so that wider steps would leave most of the work to a remainder.
    let (words, rest) = bytes.as_chunks::<8>();
    let odd = words.iter().fold(0, |odd, word| odd | control_bytes(u64::from_ne_bytes(*word)));
    // A tab is looked at twice, which costs nothing where it matters: hardly any value has one.
    (odd == 0 || bytes.iter().all(|&byte| is_value_byte(byte)))
        && rest.iter().all(|&byte| is_value_byte(byte))
}

/// How many bytes at the start of `bytes` may stand in a field value.
#[inline]
pub(crate) fn field_value_prefix(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let odd = control_bytes(u64::from_le_bytes(*word));
        if odd != 0 {
            // The lowest bit is right; those above it may come of a borrow.
            let first = index * 8 + odd.trailing_zeros() as usize / 8;
            return first + bytes.get(first..).map_or(0, value_bytes);
        }
    }
    bytes.len() - rest.len() + value_bytes(rest)
}

/// The same, byte by byte: for an end, and for a value with a tab in it.
fn value_bytes(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| !is_value_byte(byte)).unwrap_or(bytes.len())
}

/// Not zero if one of the eight bytes is below 32 or 127.
#[inline]
fn control_bytes(word: u64) -> u64 {
    let of_every_byte = |byte: u8| u64::from_ne_bytes([byte; 8]);
    let delete = word ^ of_every_byte(0x7f);
    let is_low = word.wrapping_sub(of_every_byte(0x20)) & !word;
    let is_delete = delete.wrapping_sub(of_every_byte(1)) & !delete;
    (is_low | is_delete) & of_every_byte(0x80)
}

/// Whether `byte` may stand in a field value.
#[inline]
pub(crate) fn is_value_byte(byte: u8) -> bool {
    (byte >= b' ' && byte != 0x7f) || byte == b'\t'
}

/// `bytes` without optional white space (SP and HTAB only) at both ends.
#[inline]
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    trim_end(trim_start(bytes))
}

/// `bytes` without optional white space at the start.
#[inline]
pub(crate) fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// `bytes` without optional white space at the end.
#[inline]
pub(crate) fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The elements of a comma-separated list without the empty ones (RFC 9110 section 5.6.1.2).
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty())
}

static CLASSES: [u8; 256] = table();

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "evaluated by the compiler")]
const fn table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = classes_of(byte as u8);
        byte += 1;
    }
    table
}

const fn classes_of(byte: u8) -> u8 {
    let unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let token = unreserved
        || matches!(byte, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'^' | b'`' | b'|');
    let sub_delim =
        matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=');
    let path = unreserved || sub_delim || matches!(byte, b':' | b'@' | b'/' | b'%');
    let query = path || matches!(byte, b'?' | b'[' | b']');
    let extension = token || matches!(byte, b';' | b'=');
    bit(token, TOKEN)
        | bit(path, PATH)
        | bit(query, QUERY)
        | bit(unreserved, HOST)
        | bit(extension, EXTENSION)
}

const fn bit(is_member: bool, class: Class) -> u8 {
    if is_member { class.0 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(class: Class, others: &str) {
        for byte in 0..=255u8 {
            let expected = byte.is_ascii_alphanumeric() || others.as_bytes().contains(&byte);
            assert_eq!(class.has(byte), expected, "byte {byte:#04x}");
        }
    }

    #[test]
    fn classes_hold_exactly_their_bytes() {
        check(TOKEN, "!#$%&'*+-.^_`|~");
        check(PATH, "-._~!$&'()*+,;=:@/%");
        check(QUERY, "-._~!$&'()*+,;=:@/%?[]");
        check(HOST, "-._~");
        check(EXTENSION, "!#$%&'*+-.^_`|~;=");
    }

    #[test]
    fn a_value_holds_no_control_character_but_tab() {
        for byte in 0..=255u8 {
            let expected = byte == b'\t' || (byte >= 0x20 && byte != 0x7f);
            assert_eq!(is_value_byte(byte), expected, "byte {byte:#04x}");
            for position in [0, 1, 20, 39] {
                let mut value = [b'a'; 40];
                value[position] = byte;
                assert_eq!(is_field_value(&value), expected, "byte {byte:#04x} at {position}");
                let prefix = if expected { value.len() } else { position };
                assert_eq!(field_value_prefix(&value), prefix, "byte {byte:#04x} at {position}");
            }
        }
    }

    #[test]
    fn only_space_and_tab_are_trimmed() {
        assert_eq!(trim(b" \t a b\t "), b"a b");
        assert_eq!(trim(b" \t "), b"");
        assert_eq!(trim(b"\xa0a\x85"), b"\xa0a\x85");
    }

    #[test]
    fn empty_list_elements_are_skipped() {
        let found: Vec<_> = elements(b", a,,\tb c ,").collect();
        assert_eq!(found, [&b"a"[..], b"b c"]);
    }
}
