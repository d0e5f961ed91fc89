//! The trailer section behind the last chunk (RFC 9112 section 7.1.2).

use crate::{ChunkError, FieldLine, FieldName, Progress};

/// A trailer section, reusable: [`Trailers::clear`] keeps its memory.
#[derive(Debug, Default)]
pub struct Trailers {
    fields: Vec<FieldLine>,
}

impl Trailers {
    /// An empty section.
    pub fn new() -> Self {
        Self::default()
    }
    /// Forgets the section, keeps the memory.
    pub fn clear(&mut self) {
        self.fields.clear();
    }
    /// Parses; `bytes` is everything received behind the last-chunk line so far.
    pub fn parse(&mut self, _bytes: &[u8]) -> Result<Progress, ChunkError> {
        Ok(Progress::Partial)
    }
    /// All field lines in the order received.
    pub fn fields(&self) -> &[FieldLine] {
        &self.fields
    }
}

/// Whether a field of this name may stand behind the body (RFC 9110 section 6.5.1).
pub fn may_be_trailer(known: FieldName, _name: &[u8]) -> bool {
    known == FieldName::Other
}
