//! The head of a request or response: the start line and the few headers that frame the body.

use memchr::memchr;

use super::Malformed;

/// A parsed head, borrowed from the bytes it was read from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    /// The request line or status line without its line end.
    pub start_line: &'a str,
    pub content_length: Option<u64>,
    pub chunked: bool,
    /// The sender will close the connection after this message.
    pub close: bool,
    /// Bytes of the head, the empty line included.
    pub length: usize,
}

impl Head<'_> {
    /// The status code, when this is the head of a response.
    pub(crate) fn status(&self) -> Option<u16> {
        let mut words = self.start_line.split(' ');
        words.next().filter(|version| version.starts_with("HTTP/1."))?;
        words.next()?.parse().ok()
    }

    /// Method and target, when this is the head of a request.
    pub(crate) fn method_and_target(&self) -> Option<(&str, &str)> {
        let mut words = self.start_line.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        version.starts_with("HTTP/1.").then_some((method, target))
    }
}

/// Parses the head at the start of `bytes`; `None` when its end has not arrived yet.
pub(crate) fn parse_head(bytes: &[u8]) -> Result<Option<Head<'_>>, Malformed> {
    let mut head = Head { start_line: "", content_length: None, chunked: false, close: false, length: 0 };
    while let Some((line, length)) = next_line(bytes, head.length)? {
        let is_start_line = head.length == 0;
        head.length = length;
        match line {
            "" => return Ok(Some(head)),
            _ if is_start_line => head.start_line = line,
            _ => apply_header(&mut head, line)?,
        }
    }
    Ok(None)
}

/// The line that starts at `from`, and where the next one starts.
fn next_line(bytes: &[u8], from: usize) -> Result<Option<(&str, usize)>, Malformed> {
    let rest = bytes.get(from..).unwrap_or_default();
    let Some(end) = memchr(b'\n', rest) else { return Ok(None) };
    let line = rest.get(..end).unwrap_or_default();
    let line = line.strip_suffix(b"\r").ok_or(Malformed::Head)?;
    let line = str::from_utf8(line).map_err(|_| Malformed::Head)?;
    Ok(Some((line, from + end + 1)))
}

fn apply_header(head: &mut Head<'_>, line: &str) -> Result<(), Malformed> {
    let (name, value) = line.split_once(':').ok_or(Malformed::Head)?;
    let value = value.trim();
    if name.eq_ignore_ascii_case("content-length") {
        head.content_length = Some(value.parse().map_err(|_| Malformed::ContentLength)?);
    } else if name.eq_ignore_ascii_case("transfer-encoding") {
        head.chunked = value.eq_ignore_ascii_case("chunked");
    } else if name.eq_ignore_ascii_case("connection") {
        head.close = value.eq_ignore_ascii_case("close");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESPONSE: &[u8] =
        b"HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH: 1024\r\nConnection: close\r\n\r\n{";

    #[test]
    fn a_response_head_yields_status_and_framing() {
        let head = parse_head(RESPONSE).unwrap().unwrap();
        assert_eq!(head.status(), Some(200));
        assert_eq!((head.content_length, head.chunked, head.close), (Some(1024), false, true));
        assert_eq!(head.length, RESPONSE.len() - 1);
    }

    #[test]
    fn a_request_head_yields_method_and_target() {
        let bytes = b"POST /b/any?x=1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let head = parse_head(bytes).unwrap().unwrap();
        assert_eq!(head.method_and_target(), Some(("POST", "/b/any?x=1")));
        assert_eq!(head.status(), None);
        assert!(head.chunked);
    }

    #[test]
    fn a_head_cut_anywhere_is_incomplete_and_not_an_error() {
        for length in 0..RESPONSE.len() - 1 {
            assert_eq!(parse_head(&RESPONSE[..length]), Ok(None), "cut after {length} bytes");
        }
    }

    #[test]
    fn broken_heads_are_refused() {
        assert_eq!(parse_head(b"HTTP/1.1 200 OK\n\n"), Err(Malformed::Head));
        assert_eq!(parse_head(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), Err(Malformed::Head));
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n";
        assert_eq!(parse_head(bytes), Err(Malformed::ContentLength));
    }
}
