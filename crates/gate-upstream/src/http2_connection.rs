//! An HTTP/2 connection that the requests of a worker share, and whether its other end is still there.
//!
//! The kernel at the other end acknowledges what is sent even when the program behind it has stopped for good. A connection over
//! which nothing comes although somebody waits is therefore asked (PING, RFC 9113 §6.7), and closed if that is not answered
//! either. A stream that ran into a timeout meanwhile has no patience left: from then on nothing new is begun on it.

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Ping, PingPong};
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::AbortHandle;

/// A connection, which runs in a task of the worker that opened it.
#[derive(Debug)]
pub struct Http2Connection {
    sender: SendRequest<Bytes>,
    signs: Rc<Signs>,
    /// What had been heard when that was last looked at.
    heard: u64,
    liveness: Liveness,
    /// Not there if the library has given it away already, which it does once.
    ping: Option<PingPong>,
    task: AbortHandle,
}

/// One stream's place on a connection: counts as running for as long as it lives.
#[derive(Debug)]
pub struct StreamLease {
    signs: Rc<Signs>,
    /// What had been heard when the stream last moved.
    heard: Cell<u64>,
}

/// What is known of a connection wherever it is used.
#[derive(Debug, Default)]
struct Signs {
    /// Streams that run.
    running: Cell<usize>,
    /// How often something has come.
    heard: Cell<u64>,
    /// A stream has begun since.
    is_asked: Cell<bool>,
    /// A stream found it silent for too long.
    is_given_up: Cell<bool>,
}

/// Whether the other end is there.
///
/// ```text
///          nothing came since,           silent for              no answer within
///          somebody waits                SILENCE_BEFORE_PING     PONG_WITHIN
///  Heard ───────────────────▶ Silent ──────────────────▶ Asked ──────────────────▶ closed
///    ▲                          │                          │
///    └──────────────────────────┴──────────────────────────┘
///             something came, or nobody waits any more
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Liveness {
    /// It was, or nobody needs to know.
    Heard,
    /// Silent since about then.
    Silent(Instant),
    /// It was asked then.
    Asked(Instant),
}

impl Http2Connection {
    /// Greets the other end of `stream` and leaves the connection to a task. Cancel-safe: dropped, it closes the stream.
    ///
    /// # Errors
    /// The greeting could not be written.
    pub async fn open(stream: impl AsyncRead + AsyncWrite + Unpin + 'static) -> Result<Self, h2::Error> {
        let signs = Rc::<Signs>::default();
        let stream = Listened { stream, signs: Rc::clone(&signs) };
        let (sender, mut connection) = h2::client::Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            // A cancelled stream may still get frames that were on their way. h2 remembers the last so many of them; a frame for
            // one it forgot counts as an error, and 1,024 errors would end the connection and everybody else's streams with it.
            .max_concurrent_reset_streams(REMEMBERED_RESETS)
            .max_local_error_reset_streams(None)
            .handshake(stream)
            .await?;
        let ping = connection.ping_pong();
        let running = tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "an HTTP/2 connection to an upstream ended");
            }
        });
        let task = running.abort_handle();
        Ok(Http2Connection { sender, signs, heard: 0, liveness: Liveness::Heard, ping, task })
    }

    /// A place for a stream, and what begins it.
    pub(crate) fn lease(&self) -> (SendRequest<Bytes>, StreamLease) {
        let signs = Rc::clone(&self.signs);
        signs.running.set(signs.running.get() + 1);
        signs.is_asked.set(true);
        let heard = signs.heard.clone();
        (self.sender.clone(), StreamLease { signs, heard })
    }

    /// Whether a stream may be begun on it.
    pub(crate) fn has_room(&self) -> bool {
        let limit = self.sender.current_max_send_streams().min(STREAMS_MAX as usize);
        !self.signs.is_given_up.get() && self.signs.running.get() < limit
    }

    /// Whether streams run on it, or may be begun if it has not expired.
    pub(crate) fn is_needed(&self, has_expired: bool) -> bool {
        self.signs.running.get() > 0 || !(has_expired || self.signs.is_given_up.get())
    }

    /// Whether neither side has closed it.
    pub(crate) fn is_open(&mut self) -> bool {
        !matches!(self.sender.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Err(_)))
    }

    /// Whether the other end is there, as far as that is known; asks it in time, and closes the connection if it is not. To be
    /// called about once a second.
    pub(crate) fn is_alive(&mut self, now: Instant) -> bool {
        let is_awaited = self.signs.is_asked.get() || self.signs.running.get() > 0;
        let heard = self.signs.heard.get();
        if std::mem::replace(&mut self.heard, heard) != heard || !is_awaited {
            self.liveness = Liveness::Heard;
            return true;
        }
        match self.liveness {
            Liveness::Heard => self.liveness = Liveness::Silent(now),
            Liveness::Silent(since) if now.saturating_duration_since(since) >= SILENCE_BEFORE_PING => {
                self.ask();
                self.liveness = Liveness::Asked(now);
            }
            Liveness::Asked(then) if now.saturating_duration_since(then) >= PONG_WITHIN => {
                tracing::debug!("an HTTP/2 connection to an upstream was silent, and is closed");
                self.task.abort();
                return false;
            }
            Liveness::Silent(_) | Liveness::Asked(_) => {}
        }
        true
    }

    fn ask(&mut self) {
        if let Some(ping) = &mut self.ping {
            // An earlier answer has to be taken first. If one is still to come, there is nothing more to be asked.
            let _ = ping.poll_pong(&mut Context::from_waker(Waker::noop()));
            let _ = ping.send_ping(Ping::opaque());
        }
    }
}

impl StreamLease {
    /// Something has come on the stream, or left it.
    pub fn moved(&self) {
        self.heard.set(self.signs.heard.get());
    }

    /// It waited for too long: if nothing at all came over the connection since it last moved, no more streams are begun there.
    /// Those that run are left alone.
    pub fn timed_out(&self) {
        if self.heard == self.signs.heard {
            self.signs.is_given_up.set(true);
        }
    }
}

impl Drop for StreamLease {
    fn drop(&mut self) {
        self.signs.running.set(self.signs.running.get().saturating_sub(1));
    }
}

/// A byte stream that notes when something comes.
struct Listened<S> {
    stream: S,
    signs: Rc<Signs>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Listened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        read: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = read.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, read))?;
        if read.filled().len() > before {
            self.signs.heard.set(self.signs.heard.get() + 1);
            self.signs.is_asked.set(false);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Listened<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Beyond this a second connection spreads the load better than a longer queue on the first (RFC 9113 §6.5.2
/// recommends to allow no fewer than 100).
const STREAMS_MAX: u32 = 100;
/// Two relay buffers may be under way per stream before the upstream has to wait for the client.
const STREAM_WINDOW: u32 = 256 * 1024;
/// As much as all streams together: the window is given back as clients read, so that clients that do not read would otherwise
/// stop the streams of all others. 25 MiB are taken only where as many clients as that have stopped reading; over HTTP/1.1 each of
/// them would have a connection with buffers of its own, in the kernel.
const CONNECTION_WINDOW: u32 = STREAMS_MAX * STREAM_WINDOW;
/// As many clients as may leave within a second, which is how long h2 remembers.
const REMEMBERED_RESETS: usize = 1_000;
/// 10 s: most answers begin sooner, so that hardly any connection is ever asked.
const SILENCE_BEFORE_PING: Duration = Duration::from_secs(10);
/// 10 s: longer than a program pauses that will go on.
const PONG_WITHIN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use tokio::io::{DuplexStream, duplex};
    use tokio::task::LocalSet;

    /// A connection with one stream, and what happens on it.
    struct Opened {
        connection: Http2Connection,
        response: h2::client::ResponseFuture,
        lease: Option<StreamLease>,
        began: Instant,
    }

    impl Opened {
        async fn over(stream: DuplexStream) -> Self {
            let connection = Http2Connection::open(stream).await.unwrap();
            let (mut sender, lease) = connection.lease();
            let (response, _) = sender.send_request(Request::new(()), true).unwrap();
            Opened { connection, response, lease: Some(lease), began: Instant::now() }
        }

        /// Looks after so many seconds, and lets everybody else run then.
        async fn is_alive_after(&mut self, seconds: u64) -> bool {
            let is_alive = self.connection.is_alive(self.began + Duration::from_secs(seconds));
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            is_alive
        }
    }

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(LocalSet::new().run_until(test));
    }

    #[test]
    fn one_that_does_not_answer_a_ping_is_closed() {
        run(async {
            let (ours, _silent) = duplex(4096);
            let mut opened = Opened::over(ours).await;
            for second in 0..20 {
                assert!(opened.is_alive_after(second).await, "after {second} s");
            }
            assert!(!opened.is_alive_after(20).await);
            let error = opened.response.await.unwrap_err();
            assert!(error.is_io(), "its streams end as if it had been closed: {error}");
            assert!(!opened.connection.is_open());
        });
    }

    #[test]
    fn one_that_answers_a_ping_stays() {
        run(async {
            let (ours, theirs) = duplex(4096);
            let serving = async {
                let mut server = h2::server::handshake(theirs).await.unwrap();
                while server.accept().await.is_some() {}
            };
            tokio::task::spawn_local(serving);
            let mut opened = Opened::over(ours).await;
            for second in 0..120 {
                assert!(opened.is_alive_after(second).await, "after {second} s");
            }
        });
    }

    #[test]
    fn one_that_nobody_waits_for_is_not_asked() {
        run(async {
            let (ours, _silent) = duplex(4096);
            let (mut connection, began) = (Http2Connection::open(ours).await.unwrap(), Instant::now());
            for second in 0..60 {
                assert!(connection.is_alive(began + Duration::from_secs(second)));
                assert_eq!(connection.liveness, Liveness::Heard);
            }
        });
    }

    #[test]
    fn one_whose_client_has_left_is_asked_all_the_same() {
        run(async {
            let (ours, _silent) = duplex(4096);
            let mut opened = Opened::over(ours).await;
            opened.lease = None;
            assert_eq!(opened.connection.signs.running.get(), 0);
            for second in 0..20 {
                assert!(opened.is_alive_after(second).await, "after {second} s");
            }
            assert!(!opened.is_alive_after(20).await);
        });
    }
}
