//! Finding out whether an upstream answers, and how long each step to its answer takes.

use crate::dial::secure_http1;
use crate::http_client::{HttpClient, HttpError, response_status};
use crate::{DialError, UpstreamStream};
use bytes::Bytes;
use gate_snapshot::UpstreamId;
use http::{Request, StatusCode};
use http_body_util::Empty;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long each step may take.
#[derive(Clone, Copy, Debug)]
pub struct TrialLimits {
    /// Resolving the name and connecting.
    pub dial: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// From the request to the head of the answer.
    pub answer: Duration,
}

/// How far an attempt to ask an upstream came. Of a step that was not taken there is no duration.
#[derive(Debug, Default)]
pub struct Trial {
    /// The address that was connected to: the upstream's, or that of the forward proxy in front of it.
    pub address: Option<SocketAddr>,
    /// Finding the addresses of a name.
    pub dns: Option<Duration>,
    /// Connecting.
    pub tcp: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// From the request to the head of the answer.
    pub answer: Option<Duration>,
    /// What was answered.
    pub status: Option<StatusCode>,
    /// Why it came no further. The text names internal addresses.
    pub error: Option<HttpError>,
}

impl HttpClient {
    /// Dials an upstream as the data plane does, but for HTTP/2, and asks it, if there is a request; all that is read is
    /// the head of the answer.
    ///
    /// Cancel-safe: a dropped trial closes its connection.
    pub async fn try_out(
        &self,
        upstream: &UpstreamId,
        request: Option<Request<Empty<Bytes>>>,
        limits: TrialLimits,
    ) -> Trial {
        let mut trial = Trial::default();
        trial.error = self.try_steps(upstream, request, limits, &mut trial).await.err();
        trial
    }

    async fn try_steps(
        &self,
        upstream: &UpstreamId,
        request: Option<Request<Empty<Bytes>>>,
        limits: TrialLimits,
        trial: &mut Trial,
    ) -> Result<(), HttpError> {
        let dialer = self.dialer();
        let began = Instant::now();
        let addresses =
            timeout(limits.dial, dialer.resolve(upstream)).await.map_err(|_| DialError::ConnectTimeout)??;
        let resolved = began.elapsed();
        trial.dns = upstream.address().is_none().then_some(resolved);
        let connecting =
            timeout(limits.dial.saturating_sub(resolved), dialer.connect_any(upstream, &addresses)).await;
        let stream = connecting.map_err(|_| DialError::ConnectTimeout)??;
        trial.tcp = Some(began.elapsed().saturating_sub(resolved));
        trial.address = stream.peer_addr().ok();
        let began = Instant::now();
        let securing = timeout(limits.tls, secure_http1(upstream, stream)).await;
        let stream = securing.map_err(|_| DialError::TlsTimeout)??;
        trial.tls = matches!(stream, UpstreamStream::Tls(_)).then(|| began.elapsed());
        let Some(request) = request else { return Ok(()) };
        let began = Instant::now();
        let answering = timeout(limits.answer, response_status(stream, request)).await;
        trial.status = Some(answering.map_err(|_| HttpError::Timeout(limits.answer))??);
        trial.answer = Some(began.elapsed());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_client::tests::client;
    use gate_snapshot::Upstream;
    use gate_telemetry::Reason;
    use gate_testkit::{Echo, Peer, Upstream as TestUpstream};

    const LIMITS: TrialLimits = TrialLimits {
        dial: Duration::from_secs(5),
        tls: Duration::from_secs(5),
        answer: Duration::from_millis(100),
    };

    fn request() -> Option<Request<Empty<Bytes>>> {
        Request::get("/x?status=418").header("Host", "a").body(Empty::new()).ok()
    }

    async fn try_out(url: &str, request: Option<Request<Empty<Bytes>>>) -> Trial {
        client().try_out(&Upstream::parse(url).unwrap().id, request, LIMITS).await
    }

    #[tokio::test]
    async fn an_upstream_that_answers_is_timed_step_by_step() {
        let upstream = TestUpstream::start(Echo).await;
        let trial = try_out(&upstream.url().replace("127.0.0.1", "localhost"), request()).await;
        assert!(trial.error.is_none(), "{trial:?}");
        assert_eq!((trial.address, trial.status), (Some(upstream.address()), StatusCode::from_u16(418).ok()));
        assert!(trial.dns.is_some() && trial.tcp.is_some() && trial.answer.is_some());
        assert_eq!(trial.tls, None);
        assert_eq!(upstream.ledger.only_request().head.target, "/x?status=418");
    }

    #[tokio::test]
    async fn without_a_request_nothing_but_the_connection_is_tried() {
        let upstream = TestUpstream::start(Echo).await;
        let trial = try_out(&upstream.url(), None).await;
        assert!(trial.error.is_none() && trial.tcp.is_some(), "{trial:?}");
        assert_eq!((trial.dns, trial.answer, trial.status), (None, None, None));
        assert_eq!(upstream.ledger.request_count(), 0);
    }

    #[tokio::test]
    async fn where_it_ends_is_told() {
        let refusing = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let trial = try_out(&format!("http://{refusing}"), request()).await;
        assert!(matches!(trial.error, Some(HttpError::Dial(DialError::Connect { .. }))), "{trial:?}");
        assert_eq!((trial.tcp, trial.status), (None, None));
        let silent = TestUpstream::start(|mut peer: Peer| async move { peer.until_closed().await }).await;
        let trial = try_out(&silent.url(), request()).await;
        assert!(matches!(trial.error, Some(HttpError::Timeout(_))), "{trial:?}");
        assert!(trial.tcp.is_some());
        let plain =
            TestUpstream::start(|mut peer: Peer| async move { peer.send("no TLS\r\n\r\n").await }).await;
        let trial = try_out(&plain.url().replace("http:", "https:"), request()).await;
        let Some(HttpError::Dial(error)) = trial.error else { panic!("{trial:?}") };
        assert_eq!(error.reason(), Reason::UpstreamTls);
    }
}
