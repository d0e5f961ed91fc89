//! A byte stream to an upstream, whatever it is made of.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A byte stream to an upstream.
#[derive(Debug)]
pub enum UpstreamStream {
    /// In the clear.
    Tcp(TcpStream),
    /// Through TLS. Boxed: the session's state is large, and plain connections should not carry its size.
    Tls(Box<TlsStream<TcpStream>>),
    /// To the control plane of this process.
    Memory(DuplexStream),
}

impl UpstreamStream {
    /// Reads into the front of `buffer`; 0 = the upstream ended its side.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        ready!(match self {
            UpstreamStream::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut read),
            UpstreamStream::Tls(stream) => Pin::new(stream).poll_read(cx, &mut read),
            UpstreamStream::Memory(stream) => Pin::new(stream).poll_read(cx, &mut read),
        })?;
        Poll::Ready(Ok(read.filled().len()))
    }

    /// Ready once there may be something to read. Beneath TLS, and in memory, only reading tells.
    pub fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            UpstreamStream::Tcp(stream) => stream.poll_read_ready(cx),
            UpstreamStream::Tls(_) | UpstreamStream::Memory(_) => Poll::Ready(Ok(())),
        }
    }

    /// Writes from the front of `bytes`. What was written may still have to be flushed: [`UpstreamStream::poll_flush`].
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            UpstreamStream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            UpstreamStream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            UpstreamStream::Memory(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    /// Pushes out what TLS still holds; nothing to do elsewhere.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            UpstreamStream::Tls(stream) => Pin::new(stream).poll_flush(cx),
            UpstreamStream::Tcp(_) | UpstreamStream::Memory(_) => Poll::Ready(Ok(())),
        }
    }

    /// The address it is connected to, where there is one.
    pub fn peer_address(&self) -> Option<SocketAddr> {
        match self {
            UpstreamStream::Tcp(stream) => stream.peer_addr().ok(),
            UpstreamStream::Tls(stream) => stream.get_ref().0.peer_addr().ok(),
            UpstreamStream::Memory(_) => None,
        }
    }

    /// Whether an idle connection is still good: nothing has arrived and the upstream has not closed it.
    ///
    /// Costs no system call while the event loop has reported nothing.
    pub fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut cx = Context::from_waker(std::task::Waker::noop());
        self.poll_read(&mut cx, &mut byte).is_pending()
    }
}

impl AsyncRead for UpstreamStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, read: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            UpstreamStream::Tcp(stream) => Pin::new(stream).poll_read(cx, read),
            UpstreamStream::Tls(stream) => Pin::new(stream).poll_read(cx, read),
            UpstreamStream::Memory(stream) => Pin::new(stream).poll_read(cx, read),
        }
    }
}

impl AsyncWrite for UpstreamStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        UpstreamStream::poll_write(self.get_mut(), cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        UpstreamStream::poll_flush(self.get_mut(), cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            UpstreamStream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            UpstreamStream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            UpstreamStream::Memory(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
