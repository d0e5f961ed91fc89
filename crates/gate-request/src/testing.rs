//! A proxy and a head to ask about.

use gate_http::{Progress, RequestHead};
use gate_snapshot::{AccessRule, Proxy, ProxyFields, Upstream};
use gate_telemetry::metrics::ProxyMetrics;
use gate_traffic::{ProxyTraffic, TrafficConfig};
use std::sync::Arc;
use std::time::Instant;

/// A public proxy at `/-/a`.
pub(crate) fn proxy() -> Proxy {
    Proxy {
        id: "a".into(),
        name: "a".into(),
        path: "/-/a".into(),
        active: true,
        strip_path: true,
        access_rule: AccessRule::Public,
        upstream: Upstream::parse("http://a").unwrap(),
        record: ProxyFields { upstream: "http://a".into(), timeout: 30.0, max_concurrent: 10.0 },
        headers: Vec::new(),
        timeouts: Arc::default(),
        traffic_config: Arc::default(),
        traffic: ProxyTraffic::new(&TrafficConfig::default(), Instant::now()),
        metrics: Arc::new(ProxyMetrics::new(1)),
        forward_auth: false,
        forward_encoding: false,
        forward_preflight: false,
    }
}

/// The head of a whole request.
#[track_caller]
pub(crate) fn parsed(bytes: &[u8]) -> RequestHead {
    let mut head = RequestHead::new();
    assert!(matches!(head.parse(bytes), Ok(Progress::Complete { .. })), "{}", String::from_utf8_lossy(bytes));
    head
}
