//! What an HTTP/2 upstream does with a stream.

/// What an HTTP/2 upstream does with a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum H2Behaviour {
    /// Answers as [`Echo`](crate::Echo) does.
    #[default]
    Echo,
    /// Answers as `Echo` does, without a length and with a trailer field `X-Checksum: done` after the body.
    EchoWithTrailers,
    /// Sends a 103 with a `Link` field, then answers as `Echo` does.
    EarlyHints,
    /// Sends a head and half of the promised body, then resets the stream.
    ResetInBody,
    /// Refuses the stream before it did any work (REFUSED_STREAM).
    Refuse,
    /// Reads the first two requests whole and answers 503, then answers as `Echo` does.
    UnavailableTwice,
    /// Answers nothing until the stream is gone.
    Stall,
    /// Sends the head of an event stream, and nothing more until the stream is gone.
    SilentEvents,
    /// Sends a head and then, until the stream is gone, an event ten times a second.
    Tick,
}
