//! One direction of a relay: a message on its way from one connection to another.
//!
//! Bytes leave when they arrive. What is framed the same way on both sides is passed on from the buffer it was read into,
//! in one write per read; only where the framing differs (chunked on one side alone, or chunks we would have written
//! differently) is anything composed. The head, composed by the caller, leaves in one write with whatever is at hand of
//! the body. A slow receiver stops the reading: at most one buffer is filled on each side.

use crate::buffer::{self, Buffer};
use crate::client::{self, Wire, poll_fill, release_if_empty};
use crate::event_count::EventCount;
use crate::event_stream::{COMMENT, COMMENT_CHUNK, EventEnd};
use crate::route::ProxyRef;
use gate_http::{
    ChunkError, ChunkedDecoder, FieldName, LAST_CHUNK, Progress, Trailers, may_be_trailer, write_chunk_size,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::io;
use std::task::{Context, Poll, ready};

/// One direction of a relay.
///
/// The front of the input buffer, which belongs to the source's connection, is at any time
/// `[passable | payload | skip | not yet understood]`; at most one of the first two is not empty.
#[derive(Debug)]
pub(crate) struct Transfer {
    body: Body,
    framing: Framing,
    out: Outgoing,
    /// Bytes that may leave as they are.
    passable: usize,
    /// Payload that has to leave as chunks of our own.
    payload: usize,
    /// Framing of the source behind them that does not leave at all.
    skip: usize,
    /// Whether a byte has left.
    has_begun: bool,
    /// Whether the source has sent everything.
    source_has_ended: bool,
    /// The proxy whose headers a trailer must not stand for. Boxed: only chunked requests have one.
    guarded_by: Option<Box<ProxyRef>>,
    /// What is to leave behind a body that is not framed here.
    trailers: Option<client::Trailers>,
    /// How the events so far have ended, if the body is an event stream that may get comments.
    events: Option<EventEnd>,
    /// Counts the events, if the body is an event stream and somebody wants to know.
    event_count: Option<EventCount>,
    /// What was composed last is a comment of ours.
    is_comment: bool,
    /// Set whenever bytes moved; the caller clears it.
    pub(crate) moved: bool,
    /// Whom the last poll waited for.
    pub(crate) waiting_for: Waiting,
}

/// What is still to come of a body, and how it is framed at its source.
#[derive(Debug)]
pub(crate) enum Body {
    /// Nothing.
    Done,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked(ChunkedDecoder),
    /// The trailer section behind the last chunk; a parser only if it is not empty.
    Trailers(Option<Box<Trailers>>),
    /// Everything until the source closes.
    UntilClose,
}

/// How the receiver gets the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// As bytes: the head said how many, or the connection closes behind them.
    Plain,
    /// As chunks.
    Chunked,
}

/// Whom a transfer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The side the bytes come from.
    Source,
    /// The side they go to.
    Sink,
}

/// What ended a transfer before its end.
#[derive(Debug)]
pub(crate) enum TransferFault {
    /// Reading failed.
    Source(io::Error),
    /// The source closed in the middle of the body.
    Truncated,
    /// The source's framing is broken.
    Malformed(ChunkError),
    /// Writing failed: the receiver has gone.
    Sink,
}

/// What was composed and how much of it has left.
#[derive(Debug)]
struct Outgoing {
    buffer: Option<Buffer>,
    written: u32,
    /// Keep what has left, so that it can be sent again.
    keep: bool,
}

impl Body {
    /// So many bytes, or nothing.
    pub(crate) fn of_length(length: u64) -> Self {
        if length == 0 { Body::Done } else { Body::Length(length) }
    }
}

impl Transfer {
    /// A transfer that begins with a composed head. With `keep`, head and body can be sent again as long as
    /// [`Transfer::can_rewind`] says so.
    pub(crate) fn new(head: Buffer, body: Body, framing: Framing, keep: bool) -> Self {
        Self::from(Outgoing { buffer: Some(head), written: 0, keep }, body, framing)
    }

    /// A transfer of a body alone: its head has gone another way. It can be sent again as long as [`Transfer::can_rewind`] says
    /// so: as long as it fits `kept`, or a buffer of the usual size.
    pub(crate) fn of_body(body: Body, framing: Framing, kept: Option<Buffer>) -> Self {
        Self::from(Outgoing { buffer: kept, written: 0, keep: true }, body, framing)
    }

    fn from(out: Outgoing, body: Body, framing: Framing) -> Self {
        Transfer {
            body,
            framing,
            out,
            passable: 0,
            payload: 0,
            skip: 0,
            has_begun: false,
            source_has_ended: false,
            guarded_by: None,
            trailers: None,
            events: None,
            event_count: None,
            is_comment: false,
            moved: false,
            waiting_for: Waiting::Source,
        }
    }

    /// Moves bytes until one side has to be waited for. Ready once the whole message has left. `source_ended` is told once the
    /// source has sent all of it, before the last of it leaves: whoever gets the end may count on what comes with it.
    ///
    /// Cancel-safe in the sense that a dropped transfer loses its place: the connections must not be used again.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut impl Wire,
        input: &mut Option<Buffer>,
        sink: &mut impl Wire,
        mut source_ended: impl FnMut(),
    ) -> Poll<Result<(), TransferFault>> {
        let mut has_read = false;
        loop {
            self.stage(input)?;
            if matches!(self.body, Body::Done) && !std::mem::replace(&mut self.source_has_ended, true) {
                source_ended();
            }
            if self.out.has_unsent() {
                ready!(self.poll_send_composed(cx, sink))?;
            } else if self.passable > 0 {
                ready!(self.poll_pass(cx, input, sink))?;
            } else if self.is_understood() {
                release_if_empty(input);
                self.waiting_for = Waiting::Sink;
                return sink.poll_end(cx, &mut self.trailers).map_err(|_| TransferFault::Sink);
            } else {
                ready!(self.poll_read(cx, source, input, sink, has_read))?;
                has_read = true;
            }
        }
    }

    /// Whether the receiver has seen anything of it.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Trailers that would stand for one of this proxy's own headers do not pass.
    pub(crate) fn guard_trailers(&mut self, proxy: &ProxyRef) {
        self.guarded_by = Some(Box::new(proxy.clone()));
    }

    /// Whether the end of the source is the end of the body.
    pub(crate) fn ends_with_source(&self) -> bool {
        matches!(self.body, Body::UntilClose)
    }

    /// Counts events from now on.
    pub(crate) fn count_events(&mut self) {
        self.event_count = Some(EventCount::default());
    }

    /// How many events have come, if they are counted.
    pub(crate) fn events(&self) -> Option<u64> {
        self.event_count.map(EventCount::events)
    }

    /// Watches where events end, so that comments can be put between them; says whether that is possible.
    pub(crate) fn watch_events(&mut self) -> bool {
        if matches!(self.body, Body::Chunked(_) | Body::UntilClose) {
            self.events = Some(EventEnd::new());
        }
        self.events.is_some()
    }

    /// Puts a comment into an event stream whose source is silent between two events, and says whether it is.
    pub(crate) fn put_comment(&mut self) -> bool {
        let is_between_events = self.events.is_some_and(EventEnd::is_between_events);
        let has_ended = !matches!(self.body, Body::Chunked(_) | Body::UntilClose);
        if !is_between_events || has_ended || self.waiting_for == Waiting::Sink {
            return false;
        }
        self.out.buffer().append(match self.framing {
            Framing::Plain => COMMENT,
            Framing::Chunked => COMMENT_CHUNK,
        });
        self.is_comment = true;
        true
    }

    /// Whether everything that was sent so far is still at hand.
    pub(crate) fn can_rewind(&self) -> bool {
        self.out.keep
    }

    /// Whether not one byte has left yet.
    pub(crate) fn is_unsent(&self) -> bool {
        self.out.keep && self.out.written == 0
    }

    /// Begins again with the first byte. Only when [`Transfer::can_rewind`].
    pub(crate) fn rewind(&mut self) {
        self.out.written = 0;
    }

    /// All of it has left, and what is kept of it may have to wait for long: it gets a buffer that has room for that alone.
    pub(crate) fn hold_little(&mut self) {
        if let Some(buffer) = &mut self.out.buffer {
            *buffer = Buffer::fitting(buffer.filled());
        }
    }

    /// There will be no second try: what was kept for it is given back.
    pub(crate) fn forget(&mut self) {
        self.out.keep = false;
        self.out.release();
    }

    /// Understands what is at hand, and puts what has to be composed behind what is composed already.
    fn stage(&mut self, input: &mut Option<Buffer>) -> Result<(), TransferFault> {
        if self.is_understood() && self.passable == 0 {
            return Ok(());
        }
        if self.out.room() < ROOM_MIN {
            // Too long to be kept for a second try.
            self.forget();
        }
        while self.out.room() >= ROOM_MIN && self.passable == 0 {
            if self.payload > 0 {
                self.compose_chunk(input);
            } else if !self.understand(input).map_err(TransferFault::Malformed)? {
                break;
            }
        }
        if (self.out.has_unsent() || self.out.keep) && self.passable > 0 {
            self.join(input);
        }
        Ok(())
    }

    /// Looks at the bytes at hand; says whether that led anywhere.
    fn understand(&mut self, input: &mut Option<Buffer>) -> Result<bool, ChunkError> {
        if let Some(input) = input {
            input.consume(std::mem::take(&mut self.skip));
        }
        let Some(buffer) = input.as_mut().filter(|buffer| !buffer.is_empty()) else { return Ok(false) };
        match &mut self.body {
            Body::Done => Ok(false),
            Body::Length(remaining) => {
                let available = buffer.filled().len();
                let taken =
                    usize::try_from(*remaining).map_or(available, |remaining| remaining.min(available));
                if let Some(count) = &mut self.event_count {
                    count.pass(buffer.filled().get(..taken).unwrap_or_default());
                }
                *remaining -= taken as u64;
                if *remaining == 0 {
                    self.body = Body::Done;
                }
                self.arrived(taken);
                Ok(true)
            }
            Body::UntilClose => {
                let available = buffer.filled().len();
                if let Some(count) = &mut self.event_count {
                    count.pass(buffer.filled());
                }
                self.arrived(available);
                self.watch(input.as_ref());
                Ok(true)
            }
            Body::Chunked(decoder) => {
                let mut ahead = *decoder;
                let scan = match &mut self.event_count {
                    None => ahead.scan(buffer.filled())?,
                    Some(count) => ahead.scan_data(buffer.filled(), |data| count.pass(data))?,
                };
                if scan.consumed == 0 {
                    return Ok(false);
                }
                if scan.verbatim && self.framing == Framing::Chunked && self.events.is_none() {
                    *decoder = ahead;
                    self.passable = scan.consumed - scan.last_line;
                    self.skip = scan.last_line;
                    if scan.last {
                        self.last_chunk_arrived(input.as_ref());
                    }
                    return Ok(true);
                }
                let chunks = buffer.filled_mut().get_mut(..scan.consumed).unwrap_or_default();
                let decoded = decoder.decode(chunks)?;
                if decoded.last {
                    self.body = Body::Trailers(None);
                }
                self.arrived(decoded.data);
                self.skip = decoded.consumed - decoded.data;
                self.watch(input.as_ref());
                Ok(true)
            }
            Body::Trailers(_) => self.understand_trailers(input),
        }
    }

    /// So many bytes of payload are at the front of the input.
    fn arrived(&mut self, count: usize) {
        match self.framing {
            Framing::Plain => self.passable = count,
            Framing::Chunked => self.payload = count,
        }
    }

    /// Looks at the payload at the front of the input, if it is a stream of events.
    fn watch(&mut self, input: Option<&Buffer>) {
        if let (Some(events), Some(input)) = (&mut self.events, input) {
            events.passed(input.filled().get(..self.passable + self.payload).unwrap_or_default());
        }
    }

    /// The last chunk is at hand behind what is passable. With nothing behind it but the blank line, which is how nearly
    /// every body ends, the source's end leaves as it is, in the same write.
    fn last_chunk_arrived(&mut self, input: Option<&Buffer>) {
        let end = self.passable + self.skip;
        let behind = input.and_then(|input| input.filled().get(end..)).unwrap_or_default();
        if behind.starts_with(b"\r\n") {
            self.passable = end + 2;
            self.skip = 0;
            self.body = Body::Done;
        } else {
            self.body = Body::Trailers(None);
        }
    }

    fn understand_trailers(&mut self, input: &mut Option<Buffer>) -> Result<bool, ChunkError> {
        let (Body::Trailers(trailers), Some(buffer)) = (&mut self.body, input) else { return Ok(false) };
        if buffer.filled().starts_with(b"\r\n") && trailers.is_none() {
            buffer.consume(2);
            self.end([]);
            return Ok(true);
        }
        let mut parser = trailers.take().unwrap_or_default();
        match parser.parse(buffer.filled())? {
            Progress::Partial => {
                *trailers = Some(parser);
                Ok(false)
            }
            Progress::Complete { length } => {
                let bytes = buffer.filled();
                self.end(parser.fields().iter().map(|line| (line.name.of(bytes), line.value.of(bytes))));
                buffer.consume(length);
                Ok(true)
            }
        }
    }

    /// The body is over: ends it in the receiver's framing, with the trailer fields that may pass.
    fn end<'b>(&mut self, trailers: impl IntoIterator<Item = (&'b [u8], &'b [u8])>) {
        self.body = Body::Done;
        let guard = self.guarded_by.as_deref();
        let may_pass = |(name, _): &(&[u8], &[u8])| {
            may_be_trailer(FieldName::of(name), name)
                && !guard.is_some_and(|proxy| gate_request::is_injected(proxy, name))
        };
        let trailers = trailers.into_iter().filter(may_pass);
        match self.framing {
            Framing::Plain => {
                self.trailers = header_map(trailers);
                // They leave once: with them it cannot be sent again.
                self.out.keep &= self.trailers.is_none();
            }
            Framing::Chunked => compose_end(self.out.buffer(), trailers),
        }
    }

    /// Frames payload as one chunk.
    fn compose_chunk(&mut self, input: &mut Option<Buffer>) {
        let Some(input) = input else { return };
        let count = self.payload.min(self.out.room().saturating_sub(CHUNK_FRAMING_BYTES_MAX));
        let out = self.out.buffer();
        let mut size = [0; 18];
        let start = write_chunk_size(&mut size, count as u64);
        out.append(size.get(start..).unwrap_or_default());
        out.append(input.filled().get(..count).unwrap_or_default());
        out.append(b"\r\n");
        input.consume(count);
        self.payload -= count;
    }

    /// Lets bytes that may leave as they are leave in the same write as what was composed.
    fn join(&mut self, input: &mut Option<Buffer>) {
        let Some(input) = input else { return };
        let joined = self.out.buffer().append(input.filled().get(..self.passable).unwrap_or_default());
        input.consume(joined);
        self.passable -= joined;
    }

    fn is_understood(&self) -> bool {
        matches!(self.body, Body::Done) && self.payload == 0 && self.skip == 0
    }

    fn poll_send_composed(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut impl Wire,
    ) -> Poll<Result<(), TransferFault>> {
        self.waiting_for = Waiting::Sink;
        let count = ready!(sink.poll_write(cx, self.out.unsent()))
            .and_then(some_written)
            .map_err(|_| TransferFault::Sink)?;
        self.out.sent(count);
        self.has_begun = true;
        self.moved |= !self.is_comment;
        self.is_comment &= self.out.has_unsent();
        Poll::Ready(Ok(()))
    }

    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        input: &mut Option<Buffer>,
        sink: &mut impl Wire,
    ) -> Poll<Result<(), TransferFault>> {
        self.waiting_for = Waiting::Sink;
        let Some(buffer) = input else { return Poll::Ready(Ok(())) };
        let bytes = buffer.filled().get(..self.passable).unwrap_or_default();
        let count =
            ready!(sink.poll_write(cx, bytes)).and_then(some_written).map_err(|_| TransferFault::Sink)?;
        buffer.consume(count);
        self.passable -= count;
        self.has_begun = true;
        self.moved = true;
        // What left from here is nowhere else.
        self.forget();
        release_if_empty(input);
        Poll::Ready(Ok(()))
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut impl Wire,
        input: &mut Option<Buffer>,
        sink: &mut impl Wire,
        has_read: bool,
    ) -> Poll<Result<(), TransferFault>> {
        release_if_empty(input);
        // Nothing may be held back while the source is silent.
        self.waiting_for = Waiting::Sink;
        ready!(sink.poll_flush(cx)).map_err(|_| TransferFault::Sink)?;
        self.waiting_for = Waiting::Source;
        // What woke us has been read, so that there is probably nothing more: then no buffer is taken for it.
        if has_read && input.is_none() {
            ready!(source.poll_readable(cx)).map_err(TransferFault::Source)?;
        }
        let count = ready!(poll_fill(cx, source, input)).map_err(TransferFault::Source)?;
        self.moved = true;
        if count > 0 {
            return Poll::Ready(Ok(()));
        }
        if !matches!(self.body, Body::UntilClose) {
            return Poll::Ready(Err(TransferFault::Truncated));
        }
        let trailers = ready!(source.poll_trailers(cx)).map_err(TransferFault::Source)?;
        // What is too long for an HTTP/1.1 peer of ours does not pass.
        let trailers = trailers.filter(|trailers| section_bytes(trailers) <= TRAILER_BYTES_MAX);
        self.end(trailers.iter().flatten().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())));
        Poll::Ready(Ok(()))
    }
}

/// The last chunk, the trailer section behind it, the blank line.
fn compose_end<'b>(out: &mut Buffer, trailers: impl Iterator<Item = (&'b [u8], &'b [u8])>) {
    let (last_line, blank_line) = LAST_CHUNK.split_at(b"0\r\n".len());
    out.append(last_line);
    for (name, value) in trailers {
        for part in [name, b": ", value, b"\r\n"] {
            out.append(part);
        }
    }
    out.append(blank_line);
}

/// Trailer fields for a wire that frames them itself; what its grammar does not allow is left out.
fn header_map<'b>(trailers: impl Iterator<Item = (&'b [u8], &'b [u8])>) -> Option<client::Trailers> {
    let mut fields = HeaderMap::new();
    for (name, value) in trailers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            fields.append(name, value);
        }
    }
    if fields.is_empty() { None } else { Some(Box::new(fields)) }
}

fn section_bytes(trailers: &HeaderMap) -> usize {
    trailers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}

impl Outgoing {
    fn unsent(&self) -> &[u8] {
        self.buffer
            .as_ref()
            .and_then(|buffer| buffer.filled().get(self.written as usize..))
            .unwrap_or_default()
    }

    fn has_unsent(&self) -> bool {
        !self.unsent().is_empty()
    }

    fn room(&self) -> usize {
        self.buffer.as_ref().map_or(buffer::CAPACITY, Buffer::room)
    }

    fn buffer(&mut self) -> &mut Buffer {
        self.buffer.get_or_insert_with(Buffer::take)
    }

    #[inline]
    fn sent(&mut self, count: usize) {
        self.written += buffer::position(count);
        if !self.has_unsent() && !self.keep {
            self.release();
        }
    }

    /// Gives the buffer back if everything in it has left.
    fn release(&mut self) {
        if !self.has_unsent() {
            self.buffer = None;
            self.written = 0;
        }
    }
}

/// A socket that takes nothing would be polled for ever.
fn some_written(count: usize) -> io::Result<usize> {
    if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(count) }
}

/// A size line of 16 digits, and two line ends.
const CHUNK_FRAMING_BYTES_MAX: usize = 20;
/// A trailer section: what the codec allows as well.
const TRAILER_BYTES_MAX: usize = 8 * 1024;
/// What must be free in the composing buffer before more is put in: a whole trailer section and its framing.
const ROOM_MIN: usize = TRAILER_BYTES_MAX + 1024;
