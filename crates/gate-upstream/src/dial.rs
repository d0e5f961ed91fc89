//! Dialling: resolve, connect, TLS, ALPN; each phase with its own timeout.

use crate::connect::connect_any;
use crate::control_plane::ControlPlane;
use crate::forward_proxy::{ForwardProxies, ForwardProxy};
use crate::http2_connection::Http2Connection;
use crate::{DialError, Resolver, UpstreamStream, tls};
use gate_snapshot::{Scheme, UpstreamAddresses, UpstreamId};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Dials upstreams. One per worker.
#[derive(Clone)]
pub struct Dialer {
    configuration: DialerConfig,
}

/// What a dialler needs.
#[derive(Clone)]
pub struct DialerConfig {
    /// Names to addresses.
    pub resolver: Resolver,
    /// The way to the control plane of this process.
    pub control_plane: ControlPlane,
    /// Proxies between this one and its upstreams; empty unless asked for.
    pub forward_proxies: ForwardProxies,
    /// Which addresses upstreams may have. Forward proxies, which the operator chose, may have any.
    pub addresses: UpstreamAddresses,
}

/// A new connection.
#[derive(Debug)]
pub struct Connected {
    /// What is spoken on it.
    pub protocol: Protocol,
    /// The address connected to, for the log.
    pub address: Option<SocketAddr>,
}

/// What is spoken on a new connection.
#[derive(Debug)]
pub enum Protocol {
    /// HTTP/1.1 over this stream.
    Http1(UpstreamStream),
    /// HTTP/2; its connection runs in a task of the worker that dialled.
    Http2(Http2Connection),
}

impl Dialer {
    /// A dialler.
    pub fn new(configuration: DialerConfig) -> Self {
        Dialer { configuration }
    }

    /// The forward proxy that http requests to this upstream have to be written for, in absolute form.
    pub fn absolute_form_proxy(&self, upstream: &UpstreamId) -> Option<&ForwardProxy> {
        let plain = upstream.scheme() == Scheme::Http;
        self.configuration.forward_proxies.for_upstream(upstream).filter(|_| plain)
    }

    /// Opens a new connection. Cancel-safe: a dropped dial closes what it had opened.
    ///
    /// # Errors
    /// The phase that failed; see [`DialError`].
    #[expect(clippy::manual_async_fn, reason = "the state of an async fn holds its arguments twice")]
    pub fn dial(
        &self,
        upstream: &UpstreamId,
        dial_timeout: Duration,
        tls_timeout: Duration,
    ) -> impl Future<Output = Result<Connected, DialError>> {
        async move {
            if upstream.scheme() == Scheme::ControlPlane {
                let stream = UpstreamStream::Memory(self.configuration.control_plane.dial()?);
                return Ok(Connected { protocol: Protocol::Http1(stream), address: None });
            }
            let connecting = self.connect(upstream);
            let stream = timeout(dial_timeout, connecting).await.map_err(|_| DialError::ConnectTimeout)??;
            let address = stream.peer_addr().ok();
            let protocol = match upstream.scheme() {
                Scheme::Https => {
                    // Boxed, as the resolver's state is: what is dialled in the clear and by address should not carry them.
                    let shaking = Box::pin(secure(upstream, stream));
                    timeout(tls_timeout, shaking).await.map_err(|_| DialError::TlsTimeout)??
                }
                Scheme::Http | Scheme::ControlPlane => Protocol::Http1(UpstreamStream::Tcp(stream)),
            };
            Ok(Connected { protocol, address })
        }
    }

    /// Opens a new connection on which nothing but HTTP/1.1 is spoken, whatever the other end prefers.
    /// Cancel-safe: a dropped dial closes what it had opened.
    pub(crate) async fn dial_http1(&self, upstream: &UpstreamId) -> Result<UpstreamStream, DialError> {
        let stream = self.connect(upstream).await?;
        secure_http1(upstream, stream).await
    }

    /// A TCP connection to the upstream itself, or to the forward proxy in front of it.
    #[expect(clippy::manual_async_fn, reason = "the state of an async fn holds its arguments twice")]
    fn connect(&self, upstream: &UpstreamId) -> impl Future<Output = Result<TcpStream, DialError>> {
        async move {
            let addresses = self.resolve(upstream).await?;
            self.connect_any(upstream, &addresses).await
        }
    }

    /// The addresses that are tried: those of the upstream itself, or of the forward proxy in front of it.
    pub(crate) async fn resolve(&self, upstream: &UpstreamId) -> Result<Arc<[IpAddr]>, DialError> {
        let proxy = self.configuration.forward_proxies.for_upstream(upstream);
        let endpoint = proxy.map_or(upstream, |proxy| &proxy.endpoint);
        let addresses = match endpoint.address() {
            Some(address) => Arc::from([address]),
            None => Box::pin(self.configuration.resolver.resolve(endpoint.host())).await?,
        };
        if proxy.is_none() {
            check_addresses(upstream, &addresses, self.configuration.addresses)?;
        }
        Ok(addresses)
    }

    /// Connects to one of what [`Dialer::resolve`] found.
    pub(crate) async fn connect_any(
        &self,
        upstream: &UpstreamId,
        addresses: &[IpAddr],
    ) -> Result<TcpStream, DialError> {
        let Some(proxy) = self.configuration.forward_proxies.for_upstream(upstream) else {
            return connect_any(addresses, upstream.port()).await;
        };
        let stream = connect_any(addresses, proxy.endpoint.port()).await?;
        match upstream.scheme() {
            Scheme::Https => open_tunnel(stream, upstream, proxy).await,
            Scheme::Http | Scheme::ControlPlane => Ok(stream),
        }
    }
}

/// What is spoken with the upstream over a connection of its own: TLS if it is asked for, and HTTP/1.1 on it.
pub(crate) async fn secure_http1(
    upstream: &UpstreamId,
    stream: TcpStream,
) -> Result<UpstreamStream, DialError> {
    Ok(match upstream.scheme() {
        Scheme::Https => UpstreamStream::Tls(Box::new(tls::handshake_http1(upstream.host(), stream).await?)),
        Scheme::Http | Scheme::ControlPlane => UpstreamStream::Tcp(stream),
    })
}

/// A name with one address that is refused is refused whole: whoever answers for it decides which one is tried.
fn check_addresses(
    endpoint: &UpstreamId,
    addresses: &[IpAddr],
    allowed: UpstreamAddresses,
) -> Result<(), DialError> {
    for address in addresses {
        let forbidden =
            |reason| DialError::Forbidden { host: endpoint.host().to_owned(), address: *address, reason };
        allowed.check(*address).map_err(forbidden)?;
    }
    Ok(())
}

async fn secure(upstream: &UpstreamId, stream: TcpStream) -> Result<Protocol, DialError> {
    let stream = Box::new(tls::handshake(upstream.host(), stream).await?);
    if stream.get_ref().1.alpn_protocol() != Some(tls::ALPN_HTTP2) {
        return Ok(Protocol::Http1(UpstreamStream::Tls(stream)));
    }
    Ok(Protocol::Http2(Http2Connection::open(stream).await.map_err(DialError::Http2)?))
}

/// Asks a forward proxy for a tunnel (RFC 9110 §9.3.6).
async fn open_tunnel(
    mut stream: TcpStream,
    upstream: &UpstreamId,
    proxy: &ForwardProxy,
) -> Result<TcpStream, DialError> {
    let refused = |error: io::Error| DialError::Tunnel(error.to_string());
    let host = if upstream.host().contains(':') {
        format!("[{}]", upstream.host())
    } else {
        upstream.host().to_owned()
    };
    let target = format!("{host}:{}", upstream.port());
    let authorization = proxy
        .authorization
        .as_ref()
        .map(|value| format!("Proxy-Authorization: {value}\r\n"))
        .unwrap_or_default();
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n");
    stream.write_all(request.as_bytes()).await.map_err(refused)?;
    let head = read_tunnel_head(&mut stream).await.map_err(refused)?;
    let status = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if status.first() == Some(&b'2') && status.len() == 3 {
        return Ok(stream);
    }
    Err(DialError::Tunnel(
        String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or_default()).into(),
    ))
}

/// Reads byte by byte: what follows the head belongs to the tunnel.
async fn read_tunnel_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= TUNNEL_HEAD_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

/// More than any proxy says before a tunnel.
const TUNNEL_HEAD_BYTES_MAX: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use gate_snapshot::Upstream;
    use gate_telemetry::Reason;

    fn dialer(name_server: SocketAddr) -> Dialer {
        let (control_plane, _connections) = crate::control_plane();
        Dialer::new(DialerConfig {
            resolver: Resolver::asking(name_server),
            control_plane,
            forward_proxies: ForwardProxies::default(),
            addresses: UpstreamAddresses::default(),
        })
    }

    #[tokio::test]
    async fn r020_us1_ac1_a_name_server_that_is_silent_counts_as_connecting() {
        let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let dialer = dialer(silent.local_addr().unwrap());
        let upstream = Upstream::parse("http://somewhere.example").unwrap().id;
        let dialling = dialer.dial(&upstream, Duration::from_millis(200), Duration::from_secs(5));
        let error = timeout(Duration::from_secs(2), dialling).await.expect("it gives up").unwrap_err();
        assert_eq!(error.reason(), Reason::TimeoutConnect, "{error}");
    }

    /// As many are under way at one time as a burst of streams has upstreams to reach.
    #[tokio::test]
    async fn the_state_of_a_dial_is_small() {
        let dialer = dialer(([127, 0, 0, 1], 53).into());
        let upstream = Upstream::parse("http://somewhere.example").unwrap().id;
        let size = size_of_val(&dialer.dial(&upstream, Duration::ZERO, Duration::ZERO));
        assert!(size <= STATE_BYTES_MAX, "{size} bytes");
    }

    /// A size that the allocator has; the next is 768.
    const STATE_BYTES_MAX: usize = 640;
}
