//! A chunked decoder that takes one byte at a time, to compare the real one with, and a relay that sends on
//! what the real one scans.

use gate_http::{
    CHUNK_SIZE_LINE_BYTES_MAX, ChunkError, ChunkedDecoder, LAST_CHUNK, limits, write_chunk_size,
};

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It did not end yet.
    Open,
    /// Behind this many bytes the trailer section begins.
    Last(usize),
    Error,
}

/// Payload and end of a body.
pub(crate) type Body = (Vec<u8>, End);

#[derive(Clone, Copy)]
enum State {
    Size { digits: usize, size: u128 },
    Extension { size: u128, length: usize, quoted: bool, escaped: bool },
    LineFeed { size: u128, extension: usize },
    Data { left: u128 },
    DataCarriageReturn,
    DataLineFeed,
}

/// What the body `bytes` start with is, one byte after the other.
pub(crate) fn model(bytes: &[u8]) -> Body {
    const START: State = State::Size { digits: 0, size: 0 };
    let (mut state, mut payload, mut extensions) = (START, Vec::new(), 0);
    for (position, &byte) in bytes.iter().enumerate() {
        state = match (state, byte) {
            (State::Size { digits, size }, _) if byte.is_ascii_hexdigit() && digits < 16 => {
                let value = char::from(byte).to_digit(16).unwrap();
                State::Size { digits: digits + 1, size: size * 16 + u128::from(value) }
            }
            (State::Size { digits: 1.., size }, b'\r') => State::LineFeed { size, extension: 0 },
            (State::Size { digits: 1.., size }, b';') => {
                State::Extension { size, length: 1, quoted: false, escaped: false }
            }
            (State::Extension { size, length, quoted: false, .. }, b'\r') => {
                State::LineFeed { size, extension: length }
            }
            (State::Extension { length: limits::CHUNK_EXTENSION_BYTES_MAX.., .. }, _) => {
                return (payload, End::Error);
            }
            (State::Extension { size, length, quoted, escaped }, _) => {
                let length = length + 1;
                let is_text = matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
                let is_plain = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~;=".contains(&byte);
                let (quoted, escaped) = match (quoted, escaped, byte) {
                    (_, true, _) if is_text => (quoted, false),
                    (true, false, b'\\') => (true, true),
                    (_, false, b'"') => (!quoted, false),
                    (true, false, _) if is_text => (true, false),
                    (false, false, _) if is_plain => (false, false),
                    _ => return (payload, End::Error),
                };
                State::Extension { size, length, quoted, escaped }
            }
            (State::LineFeed { size, extension }, b'\n') => {
                extensions += extension;
                match size {
                    _ if extensions > limits::CHUNK_EXTENSIONS_BYTES_MAX => return (payload, End::Error),
                    0 => return (payload, End::Last(position + 1)),
                    1..=0x7fff_ffff_ffff_ffff => State::Data { left: size },
                    _ => return (payload, End::Error),
                }
            }
            (State::Data { left }, _) => {
                payload.push(byte);
                if left == 1 { State::DataCarriageReturn } else { State::Data { left: left - 1 } }
            }
            (State::DataCarriageReturn, b'\r') => State::DataLineFeed,
            (State::DataLineFeed, b'\n') => START,
            _ => return (payload, End::Error),
        };
    }
    (payload, End::Open)
}

/// What the decoder makes of a body that arrives in these pieces.
pub(crate) fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Body {
    let (mut decoder, mut payload, mut kept, mut consumed) =
        (ChunkedDecoder::new(), Vec::new(), Vec::new(), 0);
    for piece in pieces {
        kept.extend(piece);
        let Ok(decoded) = decoder.decode(&mut kept) else { return (payload, End::Error) };
        payload.extend(&kept[..decoded.data]);
        consumed += decoded.consumed;
        kept.drain(..decoded.consumed);
        assert_eq!(decoded.last, decoder.is_done());
        if decoded.last {
            return (payload, End::Last(consumed));
        }
    }
    (payload, End::Open)
}

/// Relays a body that arrives in these pieces: what may be sent on as it is, is, the rest is framed anew.
/// Returns what was sent and how the body ended.
pub(crate) fn relay<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Body {
    let (mut decoder, mut sent, mut kept, mut consumed) = (ChunkedDecoder::new(), Vec::new(), Vec::new(), 0);
    for piece in pieces {
        kept.extend(piece);
        loop {
            let Ok(size) = relay_scan(&mut decoder, &mut kept, &mut sent) else { return (sent, End::Error) };
            consumed += size;
            kept.drain(..size);
            if decoder.is_done() {
                sent.extend(LAST_CHUNK);
                return (sent, End::Last(consumed));
            }
            if size == 0 {
                break;
            }
        }
    }
    (sent, End::Open)
}

/// Relays what one scan finds and returns how many bytes it consumed.
fn relay_scan(
    decoder: &mut ChunkedDecoder,
    kept: &mut [u8],
    sent: &mut Vec<u8>,
) -> Result<usize, ChunkError> {
    let mut before = *decoder;
    let scan = decoder.scan(kept)?;
    assert_eq!((scan.last, scan.last_line > 0), (decoder.is_done(), decoder.is_done()));
    if scan.verbatim {
        sent.extend(&kept[..scan.consumed - scan.last_line]);
        return Ok(scan.consumed);
    }
    let decoded = before.decode(&mut kept[..scan.consumed])?;
    assert_eq!((decoded.consumed, decoded.data as u64, decoded.last), (scan.consumed, scan.data, scan.last));
    if decoded.data > 0 {
        let mut line = [0; CHUNK_SIZE_LINE_BYTES_MAX];
        let start = write_chunk_size(&mut line, scan.data);
        sent.extend([&line[start..], &kept[..decoded.data], b"\r\n"].concat());
    }
    Ok(scan.consumed)
}

/// Checks decoder and relay against the model, with the body in these pieces.
#[track_caller]
pub(crate) fn check_pieces(bytes: &[u8], pieces: &[&[u8]]) {
    let (payload, end) = model(bytes);
    let (decoded, decoded_end) = decode(pieces.iter().copied());
    assert_eq!(decoded_end, end, "{}", bytes.escape_ascii());
    // What is decoded before a mistake depends on what arrived with it.
    assert!(payload.starts_with(&decoded), "{}", bytes.escape_ascii());
    let (sent, sent_end) = relay(pieces.iter().copied());
    assert_eq!(sent_end, end, "{}", bytes.escape_ascii());
    let (relayed, _) = model(&sent);
    assert!(payload.starts_with(&relayed), "{}", bytes.escape_ascii());
    if end != End::Error {
        assert_eq!(decoded, payload, "{}", bytes.escape_ascii());
        assert_eq!(relayed, payload, "{}", bytes.escape_ascii());
    }
    let scan = ChunkedDecoder::new().scan(&sent).expect("what was sent on is chunked");
    assert!(scan.verbatim, "{} was sent as {}", bytes.escape_ascii(), sent.escape_ascii());
    assert_eq!(scan.last, matches!(end, End::Last(_)));
}

/// Checks a body whole, split in two at every byte, and byte by byte, and returns what it is.
#[track_caller]
pub(crate) fn check(bytes: &[u8]) -> Body {
    for split in 0..=bytes.len() {
        let (first, second) = bytes.split_at(split);
        check_pieces(bytes, &[first, second]);
    }
    check_pieces(bytes, &bytes.chunks(1).collect::<Vec<_>>());
    model(bytes)
}
