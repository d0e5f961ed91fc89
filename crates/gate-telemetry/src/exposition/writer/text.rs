//! Numbers and texts as the forms have them.

use std::io::Write;

pub(super) fn push_integer(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A number as the formats have it, which is not how Rust writes infinity.
pub(super) fn push_number(out: &mut Vec<u8>, number: f64) {
    if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"+Inf" } else { b"-Inf" });
    } else {
        // Writing to a vector does not fail.
        let _ = write!(out, "{number}");
    }
}

/// A label value between quotes: the formats know three escapes, and everything else as it is.
pub(super) fn push_escaped(out: &mut Vec<u8>, value: &str) {
    let is_special = |byte: &u8| matches!(byte, b'\\' | b'"' | b'\n');
    let mut rest = value.as_bytes();
    while let Some(at) = rest.iter().position(is_special) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((special, behind)) = special.split_first() else { break };
        out.extend_from_slice(&[b'\\', if *special == b'\n' { b'n' } else { *special }]);
        rest = behind;
    }
    out.extend_from_slice(rest);
}

/// A JSON string (RFC 8259 §7).
pub(super) fn push_json(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            control if control < b' ' => {
                let _ = write!(out, "\\u{control:04x}");
            }
            plain => out.push(plain),
        }
    }
    out.push(b'"');
}
