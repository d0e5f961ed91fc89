//! The chunked transfer coding (RFC 9112 section 7.1).

use crate::chunk_line::ChunkLine;
use crate::{FieldError, limits};

/// Reads the framing of a chunked body.
///
/// ```text
///            size line                all data
///  new ──▶ line ──────────▶ data ─────────────────▶ data end
///            │ ▲                                       │
///            │ └───────────────────────────────────────┘ CRLF
///            │ size line of the last chunk
///            └─────────────▶ done: the trailer section follows
/// ```
///
/// An incomplete line or CRLF is not consumed: the caller keeps its bytes and comes again with more. So
/// there is no state within a line, and no result depends on how the body was split.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChunkedDecoder {
    state: State,
    /// Bytes of extensions in the whole body so far.
    extensions: usize,
    /// Whether the line of the chunk being read is canonical.
    is_canonical: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Line,
    Data {
        left: u64,
    },
    DataEnd,
    Done,
}

/// What [`ChunkedDecoder::scan`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Bytes that may be consumed.
    pub consumed: usize,
    /// Whether they are framed as we would frame them, so that they may be sent on as they are: no
    /// extensions and no leading zeros.
    pub verbatim: bool,
    /// Payload bytes among them.
    pub data: u64,
    /// How many of them, at their end, are the line of the last chunk.
    pub last_line: usize,
    /// Whether the last chunk was reached; the trailer section follows.
    pub last: bool,
}

/// What [`ChunkedDecoder::decode`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes that are consumed.
    pub consumed: usize,
    /// Payload bytes, now at the front of the buffer.
    pub data: usize,
    /// Whether the last chunk was reached; the trailer section follows.
    pub last: bool,
}

/// What is wrong with a chunked body. The rest of it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// Not one to sixteen hexadecimal digits, or more than 2⁶³ − 1.
    #[error("malformed chunk size")]
    BadSize,
    /// A chunk line that does not end in CRLF.
    #[error("chunk line does not end in crlf")]
    BadLineEnd,
    /// White space, a control character or an unbalanced quote in a chunk extension.
    #[error("malformed chunk extension")]
    BadExtension,
    /// More bytes of extensions than a line or a body may have.
    #[error("chunk extensions are too long")]
    ExtensionsTooLong,
    /// Chunk data longer than its size said.
    #[error("chunk data does not end in crlf")]
    BadDataEnd,
    /// A field line of the trailer section, or all of them together.
    #[error("trailer section: {0}")]
    Trailer(#[from] FieldError),
}

impl ChunkError {
    /// The status for a client that sent such a body.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadSize
            | Self::BadLineEnd
            | Self::BadExtension
            | Self::ExtensionsTooLong
            | Self::BadDataEnd => 400,
            Self::Trailer(error) => error.status(),
        }
    }
}

/// One step through a body.
#[derive(Clone, Copy)]
enum Piece {
    Line(ChunkLine),
    Data(usize),
    DataEnd,
}

impl ChunkedDecoder {
    /// A decoder before the first chunk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the last chunk was reached; the trailer section follows.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Says how many bytes may be consumed. `bytes` start with the first one not consumed yet.
    ///
    /// One result never mixes chunks that may be sent on as they are with others, so more may be had behind
    /// `consumed`: scan until nothing is consumed or the last chunk is reached.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<Scan, ChunkError> {
        self.scan_data(bytes, |_| {})
    }

    /// Same; `on_data` sees every part of the payload that may be consumed.
    pub fn scan_data(&mut self, bytes: &[u8], mut on_data: impl FnMut(&[u8])) -> Result<Scan, ChunkError> {
        let mut scan = Scan { consumed: 0, verbatim: true, data: 0, last_line: 0, last: false };
        while let Some(piece) = self.next(bytes.get(scan.consumed..).unwrap_or_default())? {
            if scan.consumed > 0 && self.changes_kind(piece) {
                break;
            }
            self.accept(piece);
            let start = scan.consumed;
            scan.consumed += piece.length();
            match piece {
                Piece::Data(length) => {
                    scan.data += length as u64;
                    on_data(bytes.get(start..scan.consumed).unwrap_or_default());
                }
                Piece::Line(line) if line.size == 0 => scan.last_line = line.length,
                Piece::Line(_) | Piece::DataEnd => {}
            }
            scan.verbatim = self.is_canonical;
        }
        scan.last = self.is_done();
        Ok(scan)
    }

    /// Consumes what may be consumed and moves its payload together at the front of `bytes`, which start
    /// with the first byte not consumed yet. Those behind `consumed` stay where they are.
    pub fn decode(&mut self, bytes: &mut [u8]) -> Result<Decoded, ChunkError> {
        let mut decoded = Decoded::default();
        while let Some(piece) = self.next(bytes.get(decoded.consumed..).unwrap_or_default())? {
            self.accept(piece);
            let start = decoded.consumed;
            decoded.consumed += piece.length();
            if let Piece::Data(length) = piece {
                bytes.copy_within(start..decoded.consumed, decoded.data);
                decoded.data += length;
            }
        }
        decoded.last = self.is_done();
        Ok(decoded)
    }

    /// The piece `bytes` start with; `None` until it is complete, or part of the data has arrived.
    fn next(&self, bytes: &[u8]) -> Result<Option<Piece>, ChunkError> {
        match self.state {
            State::Line => self.next_line(bytes),
            State::Data { left } => {
                let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                Ok((length > 0).then_some(Piece::Data(length)))
            }
            State::DataEnd => match bytes {
                [b'\r', b'\n', ..] => Ok(Some(Piece::DataEnd)),
                [] | [b'\r'] => Ok(None),
                _ => Err(ChunkError::BadDataEnd),
            },
            State::Done => Ok(None),
        }
    }

    fn next_line(&self, bytes: &[u8]) -> Result<Option<Piece>, ChunkError> {
        let Some(line) = ChunkLine::parse(bytes)? else { return Ok(None) };
        if self.extensions + line.extensions > limits::CHUNK_EXTENSIONS_BYTES_MAX {
            return Err(ChunkError::ExtensionsTooLong);
        }
        Ok(Some(Piece::Line(line)))
    }

    /// Whether `piece` starts a chunk that is framed as we would where the one before was not, or the other
    /// way round.
    fn changes_kind(&self, piece: Piece) -> bool {
        matches!(piece, Piece::Line(line) if line.is_canonical != self.is_canonical)
    }

    /// Goes past `piece`.
    fn accept(&mut self, piece: Piece) {
        self.state = match (piece, self.state) {
            (Piece::Line(line), _) => return self.accept_line(line),
            (Piece::Data(length), State::Data { left }) if left > length as u64 => {
                State::Data { left: left - length as u64 }
            }
            (Piece::Data(_), _) => State::DataEnd,
            (Piece::DataEnd, _) => State::Line,
        };
    }

    fn accept_line(&mut self, line: ChunkLine) {
        self.extensions += line.extensions;
        self.is_canonical = line.is_canonical;
        self.state = if line.size == 0 { State::Done } else { State::Data { left: line.size } };
    }
}

impl Piece {
    /// Bytes on the wire.
    fn length(self) -> usize {
        match self {
            Self::Line(line) => line.length,
            Self::Data(length) => length,
            Self::DataEnd => 2,
        }
    }
}
