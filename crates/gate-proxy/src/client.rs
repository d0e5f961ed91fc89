//! A client's connection: its socket, what was read from it and not yet used, and its deadline.

use crate::buffer::Buffer;
use crate::buffer_pool;
use crate::deadline::Deadline;
use crate::listener::Scope;
use crate::record::Moved;
use crate::worker::Worker;
use http::HeaderMap;
use socket2::SockRef;
use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Client {
    /// The socket.
    pub(crate) socket: Socket,
    /// What was read and not yet used. `None` while there is nothing: an idle connection holds no buffer.
    pub(crate) input: Option<Buffer>,
    /// The one deadline of this connection; what it means depends on the phase of the request.
    pub(crate) deadline: Deadline,
    /// The worker is stopping: no further request is waited for.
    pub(crate) is_draining: Rc<Cell<bool>>,
    /// What it is served.
    pub(crate) scope: Scope,
    /// The address of the peer, an IPv4 address in its own form.
    pub(crate) address: IpAddr,
    /// Same, as it is written into `X-Forwarded-For`.
    pub(crate) address_text: Box<str>,
}

/// A client's socket, and what it has moved.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    count: Rc<WireCount>,
    /// There may be something to read of which the event loop says nothing.
    has_unread: bool,
}

/// What a connection has moved so far, and how long its peer did not take what was there. The clock is read only when a write
/// has to wait.
#[derive(Debug, Default)]
pub(crate) struct WireCount {
    read: Cell<u64>,
    written: Cell<u64>,
    blocked: Cell<Duration>,
    blocked_since: Cell<Option<Instant>>,
}

/// Trailer fields between two protocols. Boxed: hardly any message has some.
pub(crate) type Trailers = Box<HeaderMap>;

/// Something bytes are read from and written to.
pub(crate) trait Wire {
    /// Reads into the front of `buffer`; 0 = the peer ended its side.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;
    /// Ready once there may be something to read, as far as that can be told without a buffer.
    fn poll_readable(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    /// Writes from the front of `bytes`.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;
    /// Pushes out what is still held back.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Same, at the end of a message. `trailers` are for a wire that frames its messages itself.
    fn poll_end(&mut self, cx: &mut Context<'_>, _trailers: &mut Option<Trailers>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
    /// What came behind a body that ended, from a wire that frames its messages itself.
    fn poll_trailers(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<Option<HeaderMap>>> {
        Poll::Ready(Ok(None))
    }
}

impl Client {
    /// The connection of a task that is about to begin.
    pub(crate) fn new(socket: TcpStream, peer: SocketAddr, scope: Scope, worker: &Worker) -> Self {
        worker.rouse();
        let address = peer.ip().to_canonical();
        Client {
            socket: Socket { stream: socket, count: Rc::default(), has_unread: false },
            input: None,
            deadline: worker.deadlines.register(),
            is_draining: Rc::clone(&worker.is_draining),
            scope,
            address,
            address_text: address.to_string().into(),
        }
    }

    /// The calling task serves it to its end: from now on the deadline wakes it.
    pub(crate) async fn enter_task(&self) {
        poll_fn(|cx| {
            self.deadline.wakes(cx.waker().clone());
            Poll::Ready(())
        })
        .await;
    }

    /// Writes all of `bytes`, within the connection's deadline.
    ///
    /// # Errors
    /// The client has gone, or does not read.
    pub(crate) async fn write_all(&mut self, mut bytes: Buffer) -> io::Result<()> {
        self.deadline.set_after(Some(ANSWER_TIMEOUT));
        poll_fn(|cx| {
            while !bytes.is_empty() {
                match self.socket.poll_write(cx, bytes.filled()) {
                    Poll::Ready(count) => bytes.consume(count?),
                    Poll::Pending if self.deadline.is_due() => {
                        return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Closes our side and reads what the client still sends, for a moment: a connection closed over unread bytes is reset, and
    /// a reset takes our answer with it before the client has read it (RFC 9112 §9.6).
    pub(crate) async fn linger(mut self) {
        if tokio::io::AsyncWriteExt::shutdown(&mut self.socket.stream).await.is_err() {
            return;
        }
        self.deadline.set_after(Some(LINGER_TIMEOUT));
        let mut remaining = LINGER_BYTES_MAX;
        poll_fn(|cx| {
            loop {
                self.input = None;
                match self.poll_fill(cx) {
                    Poll::Ready(Ok(count)) if count > 0 && remaining > count => remaining -= count,
                    Poll::Pending if !self.deadline.is_due() => return Poll::Pending,
                    _ => return Poll::Ready(()),
                }
            }
        })
        .await;
    }

    /// Resets the connection once it is dropped.
    pub(crate) fn reset(&self) {
        // Without it the connection is closed in the usual way, which is all that is left to do anyway.
        let _ = SockRef::from(&self.socket.stream).set_linger(Some(Duration::ZERO));
    }

    /// Reads more behind what is there; 0 = the client ended its side.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        poll_fill(cx, &mut self.socket, &mut self.input)
    }

    /// Ready once the client has gone away. What it sends meanwhile (the next request, or a body that is not wanted yet) is
    /// kept; once that fills a large buffer, only the end of its side is looked for.
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.input.as_ref().is_some_and(|input| input.is_full() && !input.is_small()) {
                return self.socket.poll_closed(cx);
            }
            // Nearly always there is nothing: then no buffer is taken for it, nor a larger one.
            let has_room = self.input.as_ref().is_some_and(|input| !input.is_full());
            if !has_room && ready!(self.socket.poll_readable(cx)).is_err() {
                return Poll::Ready(());
            }
            match ready!(self.poll_fill(cx)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
    }

    /// The next read asks the system whatever the event loop knows.
    pub(crate) fn look_again(&mut self) {
        self.socket.has_unread = true;
    }

    /// Moves what is at hand into a buffer of its own size, if that is worth it: a request may wait for long.
    pub(crate) fn hold_little(&mut self) {
        let is_little =
            |input: &&mut Buffer| !input.is_small() && input.filled().len() < buffer_pool::SMALL_CAPACITY;
        if let Some(input) = self.input.as_mut().filter(is_little) {
            *input = Buffer::fitting(input.filled());
        }
    }

    /// What its connection has moved.
    pub(crate) fn count(&self) -> &Rc<WireCount> {
        &self.socket.count
    }

    /// The bytes at hand.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.input.as_ref().map(Buffer::filled).unwrap_or_default()
    }

    /// The first `count` bytes at hand are done with.
    pub(crate) fn consume(&mut self, count: usize) {
        if let Some(input) = &mut self.input {
            input.consume(count);
        }
        release_if_empty(&mut self.input);
    }
}

impl Drop for Client {
    /// An answer that a panic cuts short would look complete if its end were that of the connection.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.reset();
        }
    }
}

/// Reads more behind what is in `input`, which gets a buffer only while there is something to hold.
///
/// A large buffer that is full reads 0 bytes, so the caller looks at what it has first.
pub(crate) fn poll_fill(
    cx: &mut Context<'_>,
    wire: &mut impl Wire,
    input: &mut Option<Buffer>,
) -> Poll<io::Result<usize>> {
    let buffer = input.get_or_insert_with(Buffer::take);
    buffer.make_room();
    // A small one may be filled by a head or a trailer section alone, to which more belongs.
    buffer.enlarge_if_full();
    let outcome = wire.poll_read(cx, buffer.spare());
    if let Poll::Ready(Ok(count)) = outcome {
        buffer.fill(count);
    }
    release_if_empty(input);
    outcome
}

/// Gives the buffer back once it is empty.
pub(crate) fn release_if_empty(buffer: &mut Option<Buffer>) {
    if buffer.as_ref().is_some_and(Buffer::is_empty) {
        *buffer = None;
    }
}

impl WireCount {
    /// So many bytes were read.
    pub(crate) fn read(&self, count: usize) {
        self.read.set(self.read.get() + count as u64);
    }

    /// So many bytes were written.
    pub(crate) fn wrote(&self, count: usize) {
        self.written.set(self.written.get() + count as u64);
    }

    /// The peer does not take what is there.
    pub(crate) fn block(&self, now: Instant) {
        self.blocked_since.set(Some(now));
    }

    /// It does again.
    pub(crate) fn unblock(&self, now: Instant) {
        if let Some(since) = self.blocked_since.take() {
            self.blocked.set(self.blocked.get() + now.saturating_duration_since(since));
        }
    }

    /// Everything so far, but for `at_hand` bytes that were read and are not used yet.
    pub(crate) fn moved(&self, at_hand: usize) -> Moved {
        let blocked_now = self.blocked_since.get().map(|since| since.elapsed());
        Moved {
            received: self.read.get().saturating_sub(at_hand as u64),
            sent: self.written.get(),
            blocked: self.blocked.get() + blocked_now.unwrap_or_default(),
        }
    }
}

impl Socket {
    /// Ready once the peer has ended its side or reset the connection, whatever there still is to read. What a peer has not got
    /// rid of yet holds its end up; a reset overtakes it.
    ///
    /// The event loop tells of more to read again and again, as long as nobody finds out that there is no more. So it is told
    /// that there is none, and wakes us with the next bytes, or with the end.
    #[cfg(unix)]
    pub(crate) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while ready!(self.stream.poll_read_ready(cx)).is_ok() {
            let ready = ready!(pin!(self.stream.ready(Interest::READABLE)).poll(cx));
            if !ready.is_ok_and(|ready| !ready.is_read_closed()) {
                break;
            }
            self.has_unread = true;
            let nothing = || io::Result::<()>::Err(io::ErrorKind::WouldBlock.into());
            // What comes back is what went in.
            let _ = self.stream.try_io(Interest::READABLE, nothing);
        }
        Poll::Ready(())
    }

    /// Where the event loop cannot be told so, a peer that leaves is noticed once it is read from or written to.
    #[cfg(not(unix))]
    pub(crate) fn poll_closed(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    /// Reads although the event loop says that there is nothing; `None` = that is right.
    fn read_unread(&mut self, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        let outcome = (&*SockRef::from(&self.stream)).read(buffer);
        // Where less came than fits, there is no more, and the event loop tells of what comes now.
        self.has_unread = outcome.as_ref().is_ok_and(|count| *count == buffer.len());
        let is_nothing = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        if outcome.as_ref().is_err_and(is_nothing) { None } else { Some(outcome) }
    }
}

impl Wire for Socket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.has_unread
            && let Some(outcome) = self.read_unread(buffer)
        {
            return Poll::Ready(outcome.inspect(|count| self.count.read(*count)));
        }
        let mut read = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        self.count.read(read.filled().len());
        Poll::Ready(Ok(read.filled().len()))
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_unread { Poll::Ready(Ok(())) } else { self.stream.poll_read_ready(cx) }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        match &outcome {
            Poll::Pending if self.count.blocked_since.get().is_none() => self.count.block(Instant::now()),
            Poll::Pending => {}
            Poll::Ready(written) => {
                if self.count.blocked_since.get().is_some() {
                    self.count.unblock(Instant::now());
                }
                self.count.wrote(*written.as_ref().unwrap_or(&0));
            }
        }
        outcome
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Wire for gate_upstream::UpstreamStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_read(cx, buffer)
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_readable(cx)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// How long a client may take to read an answer of our own.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection that is closed is read from at most.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// How much is read from it: what was on its way when we decided.
const LINGER_BYTES_MAX: usize = 256 * 1024;
