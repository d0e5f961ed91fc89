//! Whether the upstream answers.

use super::asked::Asked;
use super::explanation::{Explanation, Outcome};
use super::verdict::Bearer;
use bytes::Bytes;
use gate_http::{FieldName, RequestHead};
use gate_request::{Route, Sender};
use gate_snapshot::{HeaderValue, Identity, Proxy, RouteTable};
use gate_upstream::{HttpClient, HttpError, Trial, TrialLimits};
use http::{HeaderName, Method, Request};
use http_body_util::Empty;
use serde::Serialize;
use std::time::Duration;

/// How far an attempt to ask the upstream came. A step that was not taken has no time.
#[derive(Serialize)]
pub(super) struct Dialled {
    address: Option<String>,
    dns_ms: Option<f64>,
    tcp_ms: Option<f64>,
    tls_ms: Option<f64>,
    /// What was sent; null when the connection was all that was tried.
    method: Option<String>,
    /// From the request to the head of the answer.
    answer_ms: Option<f64>,
    status: Option<u16>,
    error: Option<DialFailure>,
}

#[derive(Serialize)]
struct DialFailure {
    /// As in `X-Gateway-Reason`.
    reason: &'static str,
    /// In full: whoever asks may see addresses.
    message: String,
}

/// Dials the upstream of the proxy that takes the path, if one does, and asks it what it would be asked. Of a request that
/// would be refused, nothing is sent.
pub(super) async fn dial(
    client: &HttpClient,
    routes: &RouteTable,
    asked: &Asked,
    bearer: &Bearer,
    explanation: &Explanation,
) -> Option<Dialled> {
    let head = asked.head.as_ref().ok()?;
    let Ok(Route::Proxy { index, stripped }) =
        gate_request::route(routes, head, &asked.bytes, &mut Vec::new())
    else {
        return None;
    };
    let proxy = routes.proxies().get(index)?;
    let is_forwarded = explanation.outcome == Outcome::Forwarded;
    let method = is_forwarded.then(|| harmless(head.method()));
    let request = method
        .clone()
        .and_then(|method| request(client, method, proxy, head, &asked.bytes, stripped, bearer).ok());
    let trial = client.try_out(&proxy.upstream.id, request, limits(proxy)).await;
    Some(Dialled::new(trial, method))
}

/// What is sent instead of a request that would change something.
fn harmless(method: gate_http::Method) -> Method {
    match method {
        gate_http::Method::Get => Method::GET,
        gate_http::Method::Options => Method::OPTIONS,
        _ => Method::HEAD,
    }
}

fn request(
    client: &HttpClient,
    method: Method,
    proxy: &Proxy,
    head: &RequestHead,
    bytes: &[u8],
    stripped: usize,
    bearer: &Bearer,
) -> http::Result<Request<Empty<Bytes>>> {
    let target = gate_request::target(&proxy.upstream, head, bytes, stripped).concat();
    let target = String::from_utf8_lossy(&target);
    let mut request = client.request_to(&proxy.upstream, method, &target);
    let sender = Sender { has_our_token: bearer.has_our_token, ..Sender::default() };
    for line in head.fields().iter().filter(|line| line.known != FieldName::Host) {
        if gate_request::withheld(proxy, head, bytes, line, sender).is_none() {
            request = request.header(line.name.of(bytes), line.value.of(bytes));
        }
    }
    for injected in &proxy.headers {
        let name = HeaderName::from_bytes(injected.name.as_bytes())?;
        let value = value(&injected.value, bearer.identity.as_ref());
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    request.body(Empty::new())
}

fn value(value: &HeaderValue, identity: Option<&Identity>) -> Vec<u8> {
    match value {
        HeaderValue::Resolved(value) => value.to_vec(),
        HeaderValue::Template(parts) => parts.iter().flat_map(|part| part.bytes(identity)).copied().collect(),
        HeaderValue::Unresolved { .. } => Vec::new(),
    }
}

/// Those of the proxy, but never so long that whoever asked stops waiting.
fn limits(proxy: &Proxy) -> TrialLimits {
    let answer = proxy.timeouts.response_header.unwrap_or(ANSWER_MAX).min(proxy.timeouts.total);
    TrialLimits {
        dial: proxy.timeouts.dial.min(ANSWER_MAX),
        tls: proxy.timeouts.tls.min(ANSWER_MAX),
        answer: answer.min(ANSWER_MAX),
    }
}

impl Dialled {
    fn new(trial: Trial, method: Option<Method>) -> Self {
        Dialled {
            address: trial.address.map(|address| address.to_string()),
            dns_ms: trial.dns.map(milliseconds),
            tcp_ms: trial.tcp.map(milliseconds),
            tls_ms: trial.tls.map(milliseconds),
            method: method.map(|method| method.to_string()),
            answer_ms: trial.answer.map(milliseconds),
            status: trial.status.map(|status| status.as_u16()),
            error: trial.error.map(DialFailure::from),
        }
    }
}

impl From<HttpError> for DialFailure {
    fn from(error: HttpError) -> Self {
        DialFailure { reason: error.reason().label(), message: error.to_string() }
    }
}

/// To a hundredth, which is more than the network keeps.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

/// A person waits, in front of a form.
const ANSWER_MAX: Duration = Duration::from_secs(10);
