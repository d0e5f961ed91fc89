//! The decoder of `Transfer-Encoding: chunked` (RFC 9112, section 7.1), incremental at every byte.

use super::Malformed;

/// Where the next byte belongs.
///
/// ```text
/// SizeStart ─digit→ Size ─digit→ Size ─;→ Extension     Size, Extension ─CR→ SizeEnd
/// SizeEnd ─LF, size > 0→ Payload ─all→ PayloadCr → PayloadLf → SizeStart
/// SizeEnd ─LF, size = 0→ TrailerStart ─CR→ LastLf → Done
///                        TrailerStart ─other→ Trailer ─LF→ TrailerStart
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    SizeStart,
    Size,
    Extension,
    SizeEnd,
    Payload,
    PayloadCr,
    PayloadLf,
    TrailerStart,
    Trailer,
    LastLf,
    Done,
}

#[derive(Debug)]
pub(crate) struct ChunkedDecoder {
    state: State,
    /// The size being read, then the payload bytes of the chunk still to come.
    remaining: u64,
}

impl ChunkedDecoder {
    pub(crate) fn new() -> Self {
        Self { state: State::SizeStart, remaining: 0 }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.state == State::Done
    }

    /// Takes bytes of this body from `input`, hands its payload on and returns how many were taken.
    pub(crate) fn feed(&mut self, input: &[u8], mut payload: impl FnMut(&[u8])) -> Result<usize, Malformed> {
        let mut rest = input;
        while !self.is_complete() {
            if self.state == State::Payload {
                rest = self.take_payload(rest, &mut payload);
            }
            let Some((&byte, after)) = rest.split_first() else { break };
            self.take_framing(byte)?;
            rest = after;
        }
        Ok(input.len() - rest.len())
    }

    fn take_payload<'a>(&mut self, input: &'a [u8], payload: &mut impl FnMut(&[u8])) -> &'a [u8] {
        let wanted = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        let (piece, rest) = input.split_at(wanted.min(input.len()));
        self.remaining -= piece.len() as u64;
        if self.remaining == 0 {
            self.state = State::PayloadCr;
        }
        payload(piece);
        rest
    }

    fn take_framing(&mut self, byte: u8) -> Result<(), Malformed> {
        self.state = match (self.state, byte) {
            (State::Size, b';') => State::Extension,
            (State::Size | State::Extension, b'\r') => State::SizeEnd,
            (State::SizeStart | State::Size, digit) => self.add_digit(digit)?,
            (State::Extension, _) => State::Extension,
            (State::SizeEnd, b'\n') if self.remaining == 0 => State::TrailerStart,
            (State::SizeEnd, b'\n') => State::Payload,
            (State::PayloadCr, b'\r') => State::PayloadLf,
            (State::PayloadLf, b'\n') => State::SizeStart,
            (State::TrailerStart, b'\r') => State::LastLf,
            (State::Trailer, b'\n') => State::TrailerStart,
            (State::TrailerStart | State::Trailer, _) => State::Trailer,
            (State::LastLf, b'\n') => State::Done,
            _ => return Err(Malformed::Chunk),
        };
        Ok(())
    }

    fn add_digit(&mut self, digit: u8) -> Result<State, Malformed> {
        let digit = char::from(digit).to_digit(16).ok_or(Malformed::Chunk)?;
        let shifted = self.remaining.checked_mul(16).ok_or(Malformed::Chunk)?;
        self.remaining = shifted + u64::from(digit);
        Ok(State::Size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"4\r\nwiki\r\n0a;name=x\r\n0123456789\r\n0\r\nTrailer: y\r\n\r\n";

    fn decode(pieces: &[&[u8]]) -> Result<(Vec<u8>, usize, bool), Malformed> {
        let (mut decoder, mut decoded, mut taken) = (ChunkedDecoder::new(), Vec::new(), 0);
        for piece in pieces {
            taken += decoder.feed(piece, |payload| decoded.extend_from_slice(payload))?;
        }
        Ok((decoded, taken, decoder.is_complete()))
    }

    #[test]
    fn a_body_cut_at_any_byte_decodes_to_the_same_payload() {
        let expected = Ok((b"wiki0123456789".to_vec(), BODY.len(), true));
        for cut in 0..=BODY.len() {
            let (first, second) = BODY.split_at(cut);
            assert_eq!(decode(&[first, second]), expected, "cut after {cut} bytes");
        }
    }

    #[test]
    fn bytes_after_the_body_are_left_alone() {
        let bytes = [BODY, b"HTTP/1.1 200 OK"].concat();
        assert_eq!(decode(&[&bytes]).map(|(_, taken, _)| taken), Ok(BODY.len()));
    }

    #[test]
    fn a_body_without_its_last_chunk_is_not_complete() {
        assert_eq!(decode(&[b"4\r\nwiki\r\n"]), Ok((b"wiki".to_vec(), 9, false)));
    }

    #[test]
    fn broken_framing_is_refused() {
        for bytes in
            [&b"x\r\n"[..], b"\r\n\r\n", b"4\nwiki", b"4\r\nwikix", b"0\r\n\rx", b"fffffffffffffffff\r\n"]
        {
            assert_eq!(decode(&[bytes]), Err(Malformed::Chunk), "{}", bytes.escape_ascii());
        }
    }
}
