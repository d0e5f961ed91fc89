//! How the body of a message is framed, and its decoder.

use super::chunked::ChunkedDecoder;
use super::{Head, Malformed};

/// The part of a body that is still to come.
#[derive(Debug)]
pub(crate) enum Body {
    /// This many bytes.
    Length(u64),
    Chunked(ChunkedDecoder),
    /// Everything until the peer closes the connection.
    UntilClose,
}

impl Body {
    /// The body that follows a request head (RFC 9112, section 6.3).
    pub(crate) fn of_request(head: &Head<'_>) -> Self {
        match head.content_length {
            _ if head.chunked => Self::Chunked(ChunkedDecoder::new()),
            length => Self::Length(length.unwrap_or(0)),
        }
    }

    /// The body that follows the response head to a GET or POST (RFC 9112, section 6.3).
    pub(crate) fn of_response(head: &Head<'_>) -> Self {
        match (head.status(), head.content_length) {
            (Some(100..200 | 204 | 304), _) => Self::Length(0),
            _ if head.chunked => Self::Chunked(ChunkedDecoder::new()),
            (_, Some(length)) => Self::Length(length),
            (_, None) => Self::UntilClose,
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        match self {
            Self::Length(remaining) => *remaining == 0,
            Self::Chunked(decoder) => decoder.is_complete(),
            Self::UntilClose => false,
        }
    }

    /// Takes bytes of this body from `input`, hands its payload on and returns how many were taken.
    pub(crate) fn feed(&mut self, input: &[u8], mut payload: impl FnMut(&[u8])) -> Result<usize, Malformed> {
        match self {
            Self::Length(remaining) => {
                let wanted = usize::try_from(*remaining).unwrap_or(usize::MAX).min(input.len());
                *remaining -= wanted as u64;
                payload(input.get(..wanted).unwrap_or_default());
                Ok(wanted)
            }
            Self::Chunked(decoder) => decoder.feed(input, payload),
            Self::UntilClose => {
                payload(input);
                Ok(input.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_head;
    use super::*;

    #[track_caller]
    fn body_of(response: &str) -> Body {
        Body::of_response(&parse_head(response.as_bytes()).unwrap().unwrap())
    }

    #[test]
    fn a_length_body_ends_after_its_bytes_and_leaves_the_next_message() {
        let mut body = body_of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
        assert_eq!(body.feed(b"ab", |_| ()), Ok(2));
        assert!(!body.is_complete());
        assert_eq!(body.feed(b"cHTTP", |_| ()), Ok(1));
        assert!(body.is_complete());
    }

    #[test]
    fn framing_follows_the_head() {
        assert!(matches!(body_of("HTTP/1.1 200 OK\r\n\r\n"), Body::UntilClose));
        assert!(matches!(body_of("HTTP/1.1 204 No Content\r\n\r\n"), Body::Length(0)));
        assert!(matches!(body_of("HTTP/1.1 100 Continue\r\n\r\n"), Body::Length(0)));
        let chunked = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(matches!(body_of(chunked), Body::Chunked(_)));
    }

    #[test]
    fn a_request_without_framing_has_no_body() {
        let head = parse_head(b"POST /x HTTP/1.1\r\n\r\n").unwrap().unwrap();
        assert!(Body::of_request(&head).is_complete());
    }
}
