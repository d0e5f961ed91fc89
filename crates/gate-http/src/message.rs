//! What requests and responses have in common.

/// The version of a message. Only HTTP/1.x is spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `HTTP/1.0`
    Http10,
    /// `HTTP/1.1`
    Http11,
}

/// How far a parse came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed.
    Partial,
    /// Everything is there.
    Complete {
        /// Bytes the section takes, blank line included. The body begins here.
        length: usize,
    },
}
