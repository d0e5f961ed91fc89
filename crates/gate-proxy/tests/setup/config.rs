//! A server of one worker in which everything is off, and a proxy through which everybody passes.

use gate_proxy::{ConnectionLimits, ServerConfig, TrustedProxies};
use gate_snapshot::{AccessRule, Proxy, ProxyFields, Upstream, UpstreamAddresses};
use gate_telemetry::access_log::AccessLogs;
use gate_telemetry::in_flight::InFlight;
use gate_telemetry::metrics::{ProcessMetrics, ProxyMetrics};
use gate_telemetry::trace::Traces;
use gate_traffic::{ProxyTraffic, TrafficConfig};
use gate_upstream::ForwardProxies;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One worker on a free port, which counts and does nothing else.
pub(crate) fn config() -> ServerConfig {
    ServerConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        admin_listen: None,
        workers: 1,
        pocketbase: None,
        dev_proxy: None,
        trusted_proxies: TrustedProxies::default(),
        forward_proxies: ForwardProxies::default(),
        upstream_addresses: UpstreamAddresses::default(),
        connections: ConnectionLimits { total: 100, per_address: 0 },
        memory_limit: None,
        access_log: AccessLogs::off(),
        traces: Traces::off(),
        in_flight: InFlight::new(1),
        drain_delay: Duration::ZERO,
        drain_timeout: Duration::from_secs(1),
        metrics: Arc::new(ProcessMetrics::new(1, true)),
    }
}

/// A public proxy that strips its path.
pub(crate) fn proxy(path: &str, upstream: Upstream, traffic_config: TrafficConfig) -> Proxy {
    Proxy {
        id: path.into(),
        name: path.into(),
        path: path.into(),
        active: true,
        strip_path: true,
        access_rule: AccessRule::Public,
        upstream,
        record: ProxyFields::default(),
        headers: Vec::new(),
        timeouts: Arc::default(),
        traffic: ProxyTraffic::new(&traffic_config, Instant::now()),
        traffic_config: traffic_config.into(),
        metrics: Arc::new(ProxyMetrics::new(1)),
        forward_auth: false,
        forward_encoding: false,
        forward_preflight: false,
    }
}
