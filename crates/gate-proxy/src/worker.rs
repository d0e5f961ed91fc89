//! What the connections of one worker share. Everything in here belongs to one thread.

use crate::condition::Condition;
use crate::deadline::Deadlines;
use crate::forwarded::TrustedProxies;
use crate::in_flight::InFlight;
use crate::known_tokens::KnownTokens;
use crate::ticker::Rest;
use gate_snapshot::{
    AccessRule, HeldSnapshot, Identities, Proxy, ProxyFields, Published, Reader, Timeouts, Upstream,
};
use gate_telemetry::RequestId;
use gate_telemetry::access_log::{AccessLog, AccessLogs};
use gate_telemetry::exposition::families::{CONTROL_PLANE, DEV_PROXY, POCKETBASE};
use gate_telemetry::metrics::{ProcessMetrics, ProxyMetrics, WorkerMetrics};
use gate_telemetry::trace::{TraceSink, Traces};
use gate_traffic::{ProxyTraffic, TrafficConfig};
use gate_upstream::{Dialer, Pool, PoolLimits};
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// What the connections of one worker share.
pub(crate) struct Worker {
    snapshot: RefCell<Reader>,
    /// Idle upstream connections.
    pub(crate) pool: RefCell<Pool>,
    /// Opens new ones.
    pub(crate) dialer: Dialer,
    /// Asks whose token it is.
    pub(crate) identities: Identities,
    /// What was answered.
    pub(crate) known_tokens: RefCell<KnownTokens>,
    /// What runs.
    pub(crate) in_flight: InFlight,
    /// The coarse clock.
    pub(crate) deadlines: Rc<Deadlines>,
    /// Where `/api` and `/_` lead.
    pub(crate) control_plane: Rc<Proxy>,
    /// Where of `/api` and `/_` leads what is not ours; to the control plane as well when there is none.
    pub(crate) pocketbase: Option<Rc<Proxy>>,
    /// Where everything leads that nothing else matches.
    pub(crate) dev_proxy: Option<Rc<Proxy>>,
    /// How a request that comes back to this process is recognised: the value of its `Via` field.
    pub(crate) via: Rc<str>,
    /// For paths that are not their own canonical form; keeps its capacity.
    pub(crate) path_scratch: RefCell<Vec<u8>>,
    /// Counts from 0.
    pub(crate) number: usize,
    /// What it counts about itself. About a proxy it counts in `proxy.metrics.shard(worker.number)`.
    pub(crate) metrics: Arc<WorkerMetrics>,
    /// The condition of the whole process.
    pub(crate) condition: Arc<Condition>,
    /// Where the line of each request goes.
    pub(crate) access_log: AccessLog,
    /// Where sampled requests are told of.
    pub(crate) traces: TraceSink,
    /// Stopping: running requests finish, connections close behind them.
    pub(crate) is_draining: Rc<Cell<bool>>,
    /// Told when a connection ends while draining.
    pub(crate) drained: Notify,
    /// Whether anything happens.
    pub(crate) rest: Rest,
    trusted_proxies: Arc<TrustedProxies>,
    connections: Cell<usize>,
    /// Makes this worker's numbers unlike another's.
    seed: u64,
    /// How many there have been.
    numbers: Cell<u64>,
}

/// What a worker is made from; the same for all of them but for number and seed.
#[derive(Clone)]
pub(crate) struct WorkerParts {
    pub(crate) published: Arc<Published>,
    pub(crate) dialer: Dialer,
    pub(crate) identities: Identities,
    pub(crate) pool_limits: PoolLimits,
    pub(crate) pocketbase: Option<Upstream>,
    pub(crate) dev_proxy: Option<Upstream>,
    pub(crate) trusted_proxies: Arc<TrustedProxies>,
    pub(crate) via: Arc<str>,
    pub(crate) condition: Arc<Condition>,
    pub(crate) access_logs: AccessLogs,
    pub(crate) traces: Traces,
    pub(crate) seed: u64,
    pub(crate) number: usize,
    pub(crate) metrics: Arc<ProcessMetrics>,
}

/// Counts one connection for as long as it lives.
pub(crate) struct ConnectionCount(Rc<Worker>);

impl Worker {
    pub(crate) fn new(parts: WorkerParts) -> Rc<Self> {
        let metrics = parts.metrics;
        Rc::new(Worker {
            snapshot: RefCell::new(Reader::new(parts.published)),
            pool: RefCell::new(Pool::new(parts.pool_limits)),
            dialer: parts.dialer,
            identities: parts.identities,
            known_tokens: RefCell::default(),
            in_flight: InFlight::default(),
            deadlines: Deadlines::new(),
            control_plane: Rc::new(built_in(
                CONTROL_PLANE,
                Upstream::control_plane(),
                &metrics.control_plane,
            )),
            pocketbase: parts
                .pocketbase
                .map(|upstream| Rc::new(as_it_is(built_in(POCKETBASE, upstream, &metrics.pocketbase)))),
            dev_proxy: parts
                .dev_proxy
                .map(|upstream| Rc::new(built_in(DEV_PROXY, upstream, &metrics.dev_proxy))),
            via: Rc::from(&*parts.via),
            path_scratch: RefCell::default(),
            is_draining: Rc::default(),
            number: parts.number,
            metrics: metrics.worker(parts.number),
            condition: parts.condition,
            access_log: parts.access_logs.worker(),
            traces: parts.traces.worker(),
            drained: Notify::new(),
            rest: Rest::default(),
            trusted_proxies: parts.trusted_proxies,
            connections: Cell::new(0),
            seed: parts.seed,
            numbers: Cell::new(0),
        })
    }

    /// The newest configuration.
    pub(crate) fn snapshot(&self) -> HeldSnapshot {
        self.snapshot.borrow_mut().newest()
    }

    /// Whether this peer's `X-Forwarded-*` fields are believed.
    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.contains(peer)
    }

    /// Whether anybody wants to know where the time of requests goes.
    pub(crate) fn is_watched(&self) -> bool {
        self.metrics.is_on() || self.access_log.is_on() || self.traces.is_on()
    }

    /// The id of another request: unlike any other's of this process and unlikely to be any other process's.
    pub(crate) fn new_request_id(&self) -> RequestId {
        RequestId::new(self.next_scrambled())
    }

    /// A number that no worker of this process gets again, without an order that could be seen.
    pub(crate) fn next_scrambled(&self) -> u64 {
        let number = self.numbers.get();
        self.numbers.set(number.wrapping_add(1));
        scrambled(self.seed, number)
    }

    /// A number from 0 to 1, for waits that must not be the same everywhere.
    pub(crate) fn random_share(&self) -> f64 {
        let bits = self.next_scrambled();
        f64::from((bits >> 32) as u32) / f64::from(u32::MAX)
    }

    /// Something happens, for which deadlines may be set: they count from the last tick, which has to be a recent one.
    pub(crate) fn rouse(&self) {
        self.rest.rouse(&self.deadlines);
    }

    /// Counts a connection until the count is dropped.
    pub(crate) fn count_connection(self: &Rc<Self>) -> ConnectionCount {
        self.connections.set(self.connections.get() + 1);
        self.metrics.connections_accepted.add(1);
        self.metrics.connections_open.up();
        ConnectionCount(Rc::clone(self))
    }

    /// How many client connections are open.
    pub(crate) fn connections(&self) -> usize {
        self.connections.get()
    }
}

impl Drop for ConnectionCount {
    fn drop(&mut self) {
        self.0.connections.set(self.0.connections.get().saturating_sub(1));
        self.0.metrics.connections_open.down();
        if self.0.is_draining.get() {
            self.0.drained.notify_one();
        }
    }
}

/// The finaliser of SplitMix64: a bijection, so distinct numbers become distinct ones.
fn scrambled(seed: u64, number: u64) -> u64 {
    let mut bits = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A proxy of the process itself: everything passes as it is, and nothing but the client decides how long a stream lives.
pub(crate) fn built_in(name: &str, upstream: Upstream, metrics: &Arc<ProxyMetrics>) -> Proxy {
    Proxy {
        id: name.into(),
        name: name.into(),
        path: Arc::default(),
        active: true,
        strip_path: false,
        access_rule: AccessRule::Public,
        record: ProxyFields::default(),
        upstream,
        headers: Vec::new(),
        timeouts: Arc::new(Timeouts {
            response_header: Some(BUILT_IN_RESPONSE_HEADER),
            total: BUILT_IN_RESPONSE_HEADER,
            body_idle: None,
            ..Timeouts::default()
        }),
        traffic_config: Arc::default(),
        traffic: ProxyTraffic::new(&TrafficConfig::default(), Instant::now()),
        metrics: Arc::clone(metrics),
        forward_auth: true,
        forward_encoding: false,
        forward_preflight: true,
    }
}

/// Not even encodings are ours to choose: whoever talks to PocketBase is not to notice that somebody stands in between.
fn as_it_is(proxy: Proxy) -> Proxy {
    Proxy { forward_encoding: true, ..proxy }
}

/// Long enough to build a front-end or to make a backup.
const BUILT_IN_RESPONSE_HEADER: Duration = Duration::from_secs(300);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use gate_snapshot::{Snapshot, UpstreamAddresses, identities};
    use gate_upstream::{DialerConfig, ForwardProxies, Resolver, control_plane};
    use tokio::runtime::Handle;

    /// A worker by itself, for the thread that calls: everything is off but what is counted.
    pub(crate) fn worker_of(snapshot: Snapshot) -> Rc<Worker> {
        let dialer = Dialer::new(DialerConfig {
            resolver: Resolver::new(Handle::current()),
            control_plane: control_plane().0,
            forward_proxies: ForwardProxies::default(),
            addresses: UpstreamAddresses::default(),
        });
        Worker::new(WorkerParts {
            published: Arc::new(Published::new(snapshot)),
            dialer,
            identities: identities(Arc::default()).0,
            pool_limits: PoolLimits::per_worker(1),
            pocketbase: None,
            dev_proxy: None,
            trusted_proxies: Arc::new(TrustedProxies::default()),
            via: "1.1 test".into(),
            condition: Arc::<Condition>::default(),
            access_logs: AccessLogs::off(),
            traces: Traces::off(),
            seed: 0,
            number: 0,
            metrics: Arc::new(ProcessMetrics::new(1, true)),
        })
    }

    #[test]
    fn numbers_stay_apart_when_they_are_scrambled() {
        let numbers: std::collections::HashSet<_> = (0..10_000).map(|number| scrambled(7, number)).collect();
        assert_eq!(numbers.len(), 10_000);
    }
}
