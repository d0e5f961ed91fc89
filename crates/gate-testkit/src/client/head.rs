//! A strict reader of response heads: what it does not expect is an error, never repaired.

use super::response::{ResponseError, ResponseHead};
use crate::wire::{Fields, latin1};

/// A head from its lines, the empty one left out.
pub(super) fn parse_head(lines: &[Vec<u8>]) -> Result<ResponseHead, ResponseError> {
    let (status_line, field_lines) = lines.split_first().ok_or_else(|| malformed("no status line", b""))?;
    let text = latin1(status_line);
    let mut words = text.splitn(3, ' ');
    let version = words.next().unwrap_or_default().to_owned();
    let code = words.next().unwrap_or_default();
    let reason =
        words.next().ok_or_else(|| malformed("no space after the status code", status_line))?.to_owned();
    if version != "HTTP/1.1" && version != "HTTP/1.0" {
        return Err(malformed("unknown version", status_line));
    }
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed("the status code is not three digits", status_line));
    }
    let status = code.parse().map_err(|_| malformed("the status code is no number", status_line))?;
    Ok(ResponseHead { version, status, reason, headers: parse_fields(field_lines)? })
}

/// Header or trailer fields from their lines.
pub(super) fn parse_fields(lines: &[Vec<u8>]) -> Result<Fields, ResponseError> {
    let mut fields = Fields::default();
    for line in lines {
        let colon = line.iter().position(|&byte| byte == b':').ok_or_else(|| malformed("no colon", line))?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
            return Err(malformed("the field name is no token", line));
        }
        if value.iter().any(|&byte| byte == 0x7f || (byte < 0x20 && byte != b'\t')) {
            return Err(malformed("a control character in a value", line));
        }
        fields.push(latin1(name), latin1(value));
    }
    Ok(fields)
}

/// A line without its CRLF; a bare LF is an error.
pub(super) fn strip_crlf(mut line: Vec<u8>) -> Result<Vec<u8>, ResponseError> {
    if !line.ends_with(b"\r\n") {
        return Err(malformed("a line ends without CRLF", &line));
    }
    line.truncate(line.len() - 2);
    if line.contains(&b'\r') { Err(malformed("a bare CR", &line)) } else { Ok(line) }
}

pub(super) fn malformed(what: &str, line: &[u8]) -> ResponseError {
    ResponseError::Malformed(format!("{what}: {:?}", latin1(line)))
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Vec<u8>> {
        text.split('\n').map(|line| line.as_bytes().to_vec()).collect()
    }

    #[test]
    fn reads_a_head_in_wire_order() {
        let head = parse_head(&lines("HTTP/1.1 200 All right\nB: 1\na:  2 ")).unwrap();
        assert_eq!((head.status, head.reason.as_str()), (200, "All right"));
        assert_eq!(head.headers.iter().collect::<Vec<_>>(), [("B", "1"), ("a", "2")]);
    }

    #[test]
    fn refuses_what_is_not_a_response() {
        for text in [
            "HTTP/2 200 OK",
            "HTTP/1.1 20 OK",
            "HTTP/1.1 200",
            "HTTP/1.1 200 OK\nname : value",
            "HTTP/1.1 200 OK\nno colon",
            "HTTP/1.1 200 OK\n: empty",
            "HTTP/1.1 200 OK\nname: a\u{1}b",
        ] {
            assert!(matches!(parse_head(&lines(text)), Err(ResponseError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn a_line_needs_its_crlf() {
        assert_eq!(strip_crlf(b"a\r\n".to_vec()).unwrap(), b"a");
        assert!(strip_crlf(b"a\n".to_vec()).is_err());
        assert!(strip_crlf(b"a\rb\r\n".to_vec()).is_err());
    }
}
