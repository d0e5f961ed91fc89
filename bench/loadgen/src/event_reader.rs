//! Events out of a stream's pieces, with the moments they were sent and arrived.

use memchr::memmem;

use crate::upstream::sent_at;

/// The part of a stream that has arrived and holds no whole event yet.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    pending: Vec<u8>,
}

impl EventReader {
    /// Takes a piece of the stream.
    pub(crate) fn feed(&mut self, piece: &[u8]) {
        self.pending.extend_from_slice(piece);
    }

    /// Hands on, and forgets, the events that are whole: each with the moment it was sent, if it names one.
    pub(crate) fn take(&mut self, mut event: impl FnMut(Option<u64>)) {
        let mut taken = 0;
        while let Some((lines, length)) = first_event(self.pending.get(taken..).unwrap_or_default()) {
            event(sent_at(lines));
            taken += length;
        }
        self.pending.drain(..taken);
    }
}

/// The first event's lines and its length with the empty line that ends it.
fn first_event(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = memmem::find(bytes, b"\n\n")?;
    Some((bytes.get(..end)?, end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(reader: &mut EventReader, piece: &[u8]) -> Vec<Option<u64>> {
        let mut events = Vec::new();
        reader.feed(piece);
        reader.take(|sent_ns| events.push(sent_ns));
        events
    }

    #[test]
    fn an_event_counts_once_whole_wherever_it_is_cut() {
        let text = b"data: {\"sent_ns\":1000000000000000000}\n\n";
        for cut in 0..text.len() {
            let mut reader = EventReader::default();
            assert_eq!(taken(&mut reader, &text[..cut]), [], "cut after {cut} bytes");
            assert_eq!(taken(&mut reader, &text[cut..]), [Some(1_000_000_000_000_000_000)]);
            assert!(reader.pending.is_empty());
        }
    }

    #[test]
    fn events_that_arrive_together_are_told_apart() {
        let text = b"data: {\"sent_ns\":1000000000000000000}\n\ndata: no stamp\n\ndata: {";
        let mut reader = EventReader::default();
        assert_eq!(taken(&mut reader, text), [Some(1_000_000_000_000_000_000), None]);
        assert_eq!(reader.pending, b"data: {");
    }
}
