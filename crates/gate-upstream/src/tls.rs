//! The TLS configuration towards upstreams: one per process, built when the first https upstream is dialled.

use crate::DialError;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What ALPN calls HTTP/2 (RFC 9113 §3.2).
pub(crate) const ALPN_HTTP2: &[u8] = b"h2";

/// Shakes hands with an upstream. HTTP/2 is preferred when it is offered (020-FR-007).
///
/// # Errors
/// [`DialError::Tls`].
pub(crate) async fn handshake(host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, DialError> {
    shake_hands(host, stream, configuration()).await
}

/// The same without HTTP/2.
///
/// # Errors
/// [`DialError::Tls`].
pub(crate) async fn handshake_http1(
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, DialError> {
    let without_http2 = configuration().map(|configuration| {
        let mut configuration = ClientConfig::clone(&configuration);
        configuration.alpn_protocols.retain(|protocol| protocol != ALPN_HTTP2);
        Arc::new(configuration)
    });
    shake_hands(host, stream, without_http2).await
}

async fn shake_hands(
    host: &str,
    stream: TcpStream,
    configuration: io::Result<Arc<ClientConfig>>,
) -> Result<TlsStream<TcpStream>, DialError> {
    let failed = |cause: io::Error| DialError::Tls { host: host.to_owned(), cause };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
    let connector = TlsConnector::from(configuration.map_err(failed)?);
    connector.connect(name, stream).await.map_err(failed)
}

fn configuration() -> io::Result<Arc<ClientConfig>> {
    static CONFIGURATION: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(configuration) = CONFIGURATION.get() {
        return Ok(Arc::clone(configuration));
    }
    let built = Arc::new(build(roots())?);
    Ok(Arc::clone(CONFIGURATION.get_or_init(|| built)))
}

fn build(roots: RootCertStore) -> io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let mut configuration = builder.with_root_certificates(roots).with_no_client_auth();
    configuration.alpn_protocols = vec![ALPN_HTTP2.to_vec(), b"http/1.1".to_vec()];
    Ok(configuration)
}

/// The roots the system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others), or Mozilla's list where the system has none.
fn roots() -> RootCertStore {
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!(%error, "a system root certificate could not be read");
    }
    let roots = collect(system.certs);
    if !roots.is_empty() {
        return roots;
    }
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn collect(certificates: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let (_, unusable) = roots.add_parsable_certificates(certificates);
    if unusable > 0 {
        tracing::debug!(unusable, "some system root certificates are in a form that is not understood");
    }
    roots
}
