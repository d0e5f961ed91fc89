//! What the cases work on: one request, its answer, its caller, and the proxy it belongs to among many.

use std::sync::Arc;
use std::time::Instant;

use gate_http::{Method, RequestHead, ResponseHead};
use gate_snapshot::{
    AccessRule, HeaderValue, Identity, IdentityField, InjectedHeader, Proxy, ProxyFields, RouteTable,
    TemplatePart, Upstream,
};
use gate_telemetry::metrics::ProxyMetrics;
use gate_traffic::{BreakerConfig, ProxyTraffic, TrafficConfig};

/// What an SDK sends.
pub(crate) const REQUEST: &[u8] = b"POST /-/proxy500/v1/chat/completions?stream=true HTTP/1.1\r\n\
    Host: gateway.example.com\r\nAccept: application/json\r\nAccept-Encoding: gzip, deflate, br\r\n\
    Connection: keep-alive\r\nUser-Agent: OpenAI/Python 2.8.1\r\nX-Stainless-Lang: python\r\n\
    X-Stainless-Package-Version: 2.8.1\r\nX-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\n\
    X-Stainless-Runtime: CPython\r\nAuthorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl\r\n\
    Content-Type: application/json\r\nContent-Length: 512\r\n\r\n";
/// What a model server answers.
pub(crate) const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n\
    Server: uvicorn\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n\
    X-Request-Id: 0123456789abcdef\r\nTransfer-Encoding: chunked\r\n\r\n";
const RULE: &str = "@request.auth.id != '' && (@request.auth.role = 'admin' || @request.auth.verified = true) \
    && @request.method = 'POST'";
const PROXIES: usize = 1000;

/// Everything a case needs, made once.
pub(crate) struct Scene {
    pub(crate) head: RequestHead,
    pub(crate) response_head: ResponseHead,
    pub(crate) routes: RouteTable,
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) caller: Identity,
    pub(crate) now: Instant,
    /// Heads are written here.
    pub(crate) buffer: Vec<u8>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let routes = RouteTable::new((0..PROXIES).map(|number| Arc::new(proxy(number, now))));
        let (mut head, mut response_head) = (RequestHead::new(), ResponseHead::new());
        // What fails here shows as a case that costs next to nothing.
        let _ = head.parse(REQUEST);
        let _ = response_head.parse(RESPONSE, Method::Post);
        let proxy = Arc::new(proxy(PROXIES / 2, now));
        Self { head, response_head, routes, proxy, caller: caller(), now, buffer: vec![0; 4096] }
    }
}

fn proxy(number: usize, now: Instant) -> Proxy {
    let traffic = TrafficConfig {
        max_concurrent: 100,
        breaker: Some(BreakerConfig::default()),
        ..TrafficConfig::default()
    };
    let path = format!("/-/proxy{number}");
    Proxy {
        id: path.as_str().into(),
        name: path.as_str().into(),
        path: path.into(),
        active: true,
        strip_path: true,
        access_rule: AccessRule::compile(RULE).unwrap_or(AccessRule::Public),
        upstream: Upstream::parse("http://127.0.0.1:8001/api").unwrap_or_else(|_| Upstream::control_plane()),
        record: ProxyFields::default(),
        headers: headers(),
        timeouts: Arc::default(),
        traffic: ProxyTraffic::new(&traffic, now),
        traffic_config: traffic.into(),
        metrics: Arc::new(ProxyMetrics::new(1)),
        forward_auth: false,
        forward_encoding: false,
        forward_preflight: false,
    }
}

fn headers() -> Vec<InjectedHeader> {
    let template = [TemplatePart::Literal((*b"user ").into()), TemplatePart::Auth("email".into())];
    vec![
        InjectedHeader {
            name: "Authorization".into(),
            value: HeaderValue::Resolved((*b"Bearer sk-0123456789abcdef").into()),
        },
        InjectedHeader { name: "X-Caller".into(), value: HeaderValue::Template(template.into()) },
    ]
}

fn caller() -> Identity {
    let field = |name: &str, text: &'static str| IdentityField {
        name: name.into(),
        value: text.into(),
        text: text.into(),
    };
    let verified = IdentityField { name: "verified".into(), value: true.into(), text: "true".into() };
    let fields = vec![
        field("id", "abcdefghij01234"),
        field("collectionId", "_pb_users_auth_"),
        field("email", "ann@example.com"),
        field("role", "member"),
        verified,
    ];
    Identity::new(false, fields)
}
