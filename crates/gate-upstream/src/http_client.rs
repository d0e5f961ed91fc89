//! A plain HTTP client, for the few questions the control plane itself asks of others.

use crate::{DialError, Dialer, UpstreamStream};
use bytes::Bytes;
use gate_snapshot::Upstream;
use gate_telemetry::Reason;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, request};
use http_body_util::{BodyExt, Empty, Full, Limited};
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

/// What somebody is asked.
#[derive(Clone, Debug, Default)]
pub struct HttpQuestion {
    /// What stands in its head, besides what says where it goes and how long it is.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What somebody answered.
#[derive(Debug)]
pub struct HttpAnswer {
    /// The status.
    pub status: StatusCode,
    /// What stands in its head.
    pub headers: HeaderMap,
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

impl HttpError {
    /// The reason a request of the data plane would end with because of this.
    pub fn reason(&self) -> Reason {
        match self {
            HttpError::Dial(error) => error.reason(),
            HttpError::Timeout(_) => Reason::TimeoutFirstByte,
            HttpError::Failed(_) => Reason::UpstreamProtocol,
        }
    }
}

impl HttpClient {
    /// A client that dials with this dialler.
    pub fn new(dialer: Dialer) -> Self {
        HttpClient { dialer }
    }

    /// Posts to a path below the base path of a service.
    /// Redirects are not followed: they are answers.
    ///
    /// Cancel-safe: a dropped call closes its connection.
    pub async fn post(
        &self,
        service: &Upstream,
        path: &str,
        question: HttpQuestion,
        limit: Duration,
    ) -> Result<HttpAnswer, HttpError> {
        let request = self.request(service, path, question)?;
        let asking = async {
            match self.dialer.dial_http1(&service.id).await? {
                UpstreamStream::Tcp(stream) => exchange(TokioIo::new(stream), request).await,
                UpstreamStream::Tls(stream) => exchange(TokioIo::new(stream), request).await,
                UpstreamStream::Memory(stream) => exchange(TokioIo::new(stream), request).await,
            }
        };
        timeout(limit, asking).await.map_err(|_| HttpError::Timeout(limit))?
    }

    /// Begins a request: its target in the form that the next hop takes, and credentials for that hop.
    pub fn request_to(&self, service: &Upstream, method: Method, target: &str) -> request::Builder {
        let forward_proxy = self.dialer.absolute_form_proxy(&service.id);
        let origin = forward_proxy.map(|_| format!("http://{}", service.id.authority())).unwrap_or_default();
        let request = Request::builder().method(method).uri(format!("{origin}{target}"));
        let request = request.header(HOST, service.id.authority()).header(CONNECTION, "close");
        match forward_proxy.and_then(|proxy| proxy.authorization.as_deref()) {
            Some(credentials) => request.header(PROXY_AUTHORIZATION, credentials),
            None => request,
        }
    }

    pub(crate) fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    fn request(
        &self,
        service: &Upstream,
        path: &str,
        HttpQuestion { headers, body }: HttpQuestion,
    ) -> Result<Request<Full<Bytes>>, HttpError> {
        let target = format!("{}{path}", service.base_path);
        let request = self.request_to(service, Method::POST, &target).header(CONTENT_LENGTH, body.len());
        let mut request = request.body(Full::new(body)).map_err(failed)?;
        request.headers_mut().extend(headers);
        Ok(request)
    }
}

impl HttpQuestion {
    /// An empty body, with an `Authorization`.
    pub fn authorized(authorization: &str) -> Result<Self, HttpError> {
        let mut authorization = HeaderValue::from_str(authorization).map_err(failed)?;
        authorization.set_sensitive(true);
        Ok(HttpQuestion {
            headers: HeaderMap::from_iter([(AUTHORIZATION, authorization)]),
            body: Bytes::new(),
        })
    }
}

/// Sends a request and returns the status of the answer, whose body is left unread.
pub(crate) async fn response_status(
    stream: UpstreamStream,
    request: Request<Empty<Bytes>>,
) -> Result<StatusCode, HttpError> {
    match stream {
        UpstreamStream::Tcp(stream) => status(TokioIo::new(stream), request).await,
        UpstreamStream::Tls(stream) => status(TokioIo::new(stream), request).await,
        UpstreamStream::Memory(stream) => status(TokioIo::new(stream), request).await,
    }
}

async fn status<IO>(stream: IO, request: Request<Empty<Bytes>>) -> Result<StatusCode, HttpError>
where
    IO: Read + Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(stream).await.map_err(failed)?;
    let asking = async { Ok(sender.send_request(request).await.map_err(failed)?.status()) };
    tokio::pin!(asking);
    tokio::select! {
        status = &mut asking => status,
        _ = connection => asking.await,
    }
}

async fn exchange<IO>(stream: IO, request: Request<Full<Bytes>>) -> Result<HttpAnswer, HttpError>
where
    IO: Read + Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(stream).await.map_err(failed)?;
    let asking = async {
        let (head, body) = sender.send_request(request).await.map_err(failed)?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(failed)?;
        Ok(HttpAnswer { status: head.status, headers: head.headers, body: body.to_bytes() })
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
pub(crate) mod tests {
    use super::*;
    use crate::{DialerConfig, ForwardProxies, Resolver, control_plane};
    use gate_testkit::{Echo, StallAfterHead, Upstream as TestUpstream};
    use tokio::runtime::Handle;

    pub(crate) fn client() -> HttpClient {
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
        client().post(&service, path, HttpQuestion::authorized("token")?, Duration::from_secs(5)).await
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
        let answer = client().post(&service, "/", HttpQuestion::default(), Duration::from_millis(50)).await;
        assert!(matches!(answer, Err(HttpError::Timeout(_))), "{answer:?}");
    }

    #[test]
    fn a_token_that_is_no_header_is_not_sent() {
        let question = HttpQuestion::authorized("a\r\nX-Injected: b");
        assert!(matches!(question, Err(HttpError::Failed(_))));
    }

    #[tokio::test]
    async fn a_body_is_posted_with_what_says_what_it_is() {
        let upstream = TestUpstream::start(Echo).await;
        let service = Upstream::parse(&upstream.url()).unwrap();
        let headers =
            HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
        let question = HttpQuestion { headers, body: Bytes::from_static(b"hello") };
        let answer = client().post(&service, "/x", question, Duration::from_secs(5)).await.unwrap();
        assert!(answer.headers.contains_key(CONTENT_LENGTH));
        let request = upstream.ledger.only_request();
        assert_eq!(request.head.headers.values("content-type"), ["text/plain"]);
        assert_eq!(request.body.map(|body| body.length), Some(5));
    }
}
