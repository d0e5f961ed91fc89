//! A plain HTTP client, for the few questions the control plane itself asks of others.

use crate::{DialError, Dialer, UpstreamStream};
use bytes::Bytes;
use gate_snapshot::Upstream;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::time::timeout;

/// Asks other services. Every question has a connection of its own: they are rare, and none is ever asked on one that
/// turns out to be dead.
#[derive(Clone)]
pub struct HttpClient {
    dialer: Dialer,
}

/// What somebody answered.
#[derive(Debug)]
pub struct HttpAnswer {
    /// The status.
    pub status: StatusCode,
    /// The body, all of it.
    pub body: Bytes,
}

/// Why there is no answer. The texts name internal addresses and are for the log alone.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection came to be.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The whole took too long.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// The question cannot be written, or what came back is no answer.
    #[error("{0}")]
    Failed(String),
}

impl HttpClient {
    /// A client that dials with this dialler.
    pub fn new(dialer: Dialer) -> Self {
        HttpClient { dialer }
    }

    /// Posts an empty body to a path below the base path of a service, with an `Authorization`.
    /// Redirects are not followed: they are answers.
    ///
    /// Cancel-safe: a dropped call closes its connection.
    pub async fn post(
        &self,
        service: &Upstream,
        path: &str,
        authorization: &str,
        limit: Duration,
    ) -> Result<HttpAnswer, HttpError> {
        let request = self.request(service, path, authorization)?;
        let asking = async {
            match self.dialer.dial_http1(&service.id).await? {
                UpstreamStream::Tcp(stream) => exchange(TokioIo::new(stream), request).await,
                UpstreamStream::Tls(stream) => exchange(TokioIo::new(stream), request).await,
                UpstreamStream::Memory(stream) => exchange(TokioIo::new(stream), request).await,
            }
        };
        timeout(limit, asking).await.map_err(|_| HttpError::Timeout(limit))?
    }

    fn request(
        &self,
        service: &Upstream,
        path: &str,
        authorization: &str,
    ) -> Result<Request<Empty<Bytes>>, HttpError> {
        let Upstream { authority, base_path, .. } = service;
        let mut authorization = HeaderValue::from_str(authorization).map_err(failed)?;
        authorization.set_sensitive(true);
        let forward_proxy = self.dialer.absolute_form_proxy(&service.id);
        let origin = forward_proxy.map(|_| format!("http://{authority}")).unwrap_or_default();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{origin}{base_path}{path}"))
            .header(HOST, &**authority)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_LENGTH, 0)
            .header(CONNECTION, "close");
        if let Some(credentials) = forward_proxy.and_then(|proxy| proxy.authorization.as_deref()) {
            request = request.header(PROXY_AUTHORIZATION, credentials);
        }
        request.body(Empty::new()).map_err(failed)
    }
}

async fn exchange<IO>(stream: IO, request: Request<Empty<Bytes>>) -> Result<HttpAnswer, HttpError>
where
    IO: Read + Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(stream).await.map_err(failed)?;
    let asking = async {
        let (head, body) = sender.send_request(request).await.map_err(failed)?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(failed)?;
        Ok(HttpAnswer { status: head.status, body: body.to_bytes() })
    };
    tokio::pin!(asking);
    tokio::select! {
        answer = &mut asking => answer,
        // The connection may end with the answer read but not yet taken.
        _ = connection => asking.await,
    }
}

fn failed(error: impl std::fmt::Display) -> HttpError {
    HttpError::Failed(error.to_string())
}

/// The largest record anybody is somebody with, and more.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DialerConfig, ForwardProxies, Resolver, control_plane};
    use gate_testkit::{Echo, StallAfterHead, Upstream as TestUpstream};
    use tokio::runtime::Handle;

    fn client() -> HttpClient {
        let (control_plane, _) = control_plane();
        let resolver = Resolver::new(Handle::current());
        let forward_proxies = ForwardProxies::default();
        HttpClient::new(Dialer::new(DialerConfig {
            resolver,
            control_plane,
            forward_proxies,
            addresses: gate_snapshot::UpstreamAddresses::default(),
        }))
    }

    async fn post(upstream: &TestUpstream, path: &str) -> Result<HttpAnswer, HttpError> {
        let service = Upstream::parse(&format!("{}/base", upstream.url())).unwrap();
        client().post(&service, path, "token", Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn an_empty_body_is_posted_below_the_base_path() {
        let upstream = TestUpstream::start(Echo).await;
        let answer = post(&upstream, "/api/x?status=403").await.unwrap();
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.starts_with(b"{"));
        let head = upstream.ledger.only_request().head;
        assert_eq!((head.method.as_str(), head.target.as_str()), ("POST", "/base/api/x?status=403"));
        assert_eq!(head.headers.values("authorization"), ["token"]);
        assert_eq!(head.headers.values("host"), [upstream.address().to_string()]);
        assert_eq!(head.headers.values("content-length"), ["0"]);
    }

    #[tokio::test]
    async fn an_answer_of_any_framing_is_read_to_its_end() {
        let upstream = TestUpstream::start(Echo).await;
        for framing in ["length", "chunked", "close"] {
            let answer = post(&upstream, &format!("/?bytes=300000&framing={framing}")).await.unwrap();
            assert_eq!(answer.body.len(), 300_000, "{framing}");
        }
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_kept() {
        let upstream = TestUpstream::start(Echo).await;
        assert!(matches!(post(&upstream, "/?bytes=2000000").await, Err(HttpError::Failed(_))));
    }

    #[tokio::test]
    async fn whoever_does_not_answer_is_not_waited_for() {
        let upstream = TestUpstream::start(StallAfterHead).await;
        let service = Upstream::parse(&upstream.url()).unwrap();
        let answer = client().post(&service, "/", "token", Duration::from_millis(50)).await;
        assert!(matches!(answer, Err(HttpError::Timeout(_))), "{answer:?}");
    }

    #[tokio::test]
    async fn a_token_that_is_no_header_is_not_sent() {
        let upstream = TestUpstream::start(Echo).await;
        let service = Upstream::parse(&upstream.url()).unwrap();
        let answer = client().post(&service, "/", "a\r\nX-Injected: b", Duration::from_secs(5)).await;
        assert!(matches!(answer, Err(HttpError::Failed(_))));
        assert!(upstream.ledger.is_untouched());
    }
}
