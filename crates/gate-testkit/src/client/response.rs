//! A response as a strict reader sees it.

use std::fmt;
use std::io;

use crate::wire::Fields;

/// The head of a response, final or informational.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// The status code.
    pub status: u16,
    /// The words after the status code.
    pub reason: String,
    /// The fields in wire order.
    pub headers: Fields,
}

/// Whether a body came to the end its framing promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyEnd {
    /// All of it arrived. A body that the end of the connection delimits is complete when that end was orderly.
    Complete,
    /// The connection ended first.
    Truncated,
}

/// A final response, with what came before it and how it ended.
#[derive(Clone, Debug)]
pub struct Response {
    /// The informational heads before it.
    pub informational: Vec<ResponseHead>,
    /// Its head.
    pub head: ResponseHead,
    /// Its content, without chunk framing.
    pub body: Vec<u8>,
    /// The fields after the last chunk.
    pub trailers: Fields,
    /// How it ended.
    pub end: BodyEnd,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The value of the first header field of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.value(name)
    }

    /// The label of a refusal: `X-Gateway-Reason`, or an empty text.
    pub fn gateway_reason(&self) -> &str {
        self.header("x-gateway-reason").unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none; the message shows the whole response.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {self:?} {}", self.text()))
    }
}

/// Why there is no response to return.
#[derive(Debug)]
pub enum ResponseError {
    /// The connection ended in order before the first byte.
    Closed,
    /// The connection ended inside the head.
    TruncatedHead,
    /// The bytes are not an HTTP/1.1 response; the text says what is wrong.
    Malformed(String),
    /// Nothing more came for a long time.
    Silence,
    /// The connection was reset, or failed in another way.
    Io(io::Error),
}

impl fmt::Display for ResponseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => formatter.write_str("the connection was closed instead of an answer"),
            Self::TruncatedHead => formatter.write_str("the connection ended inside the head"),
            Self::Malformed(what) => write!(formatter, "not a response: {what}"),
            Self::Silence => formatter.write_str("no answer came"),
            Self::Io(error) => write!(formatter, "the connection failed: {error}"),
        }
    }
}

impl std::error::Error for ResponseError {}

impl From<io::Error> for ResponseError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
