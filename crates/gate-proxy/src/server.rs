//! The workers: one thread each, with its own listener, event loop, pool and buffers.

use crate::buffer_pool::{self, BufferUse};
use crate::condition::Condition;
use crate::connection_limit::{ConnectionLimit, ConnectionLimits};
use crate::forwarded::TrustedProxies;
use crate::listener::{self, Acceptor, Scope};
use crate::memory::Memory;
use crate::questions;
use crate::ticker;
use crate::watchdog::{Heartbeat, Watchdog};
use crate::worker::{Worker, WorkerParts};
use gate_snapshot::{Identities, Published, Upstream, UpstreamAddresses};
use gate_telemetry::access_log::AccessLogs;
use gate_telemetry::in_flight::{InFlight, InFlightQuestions};
use gate_telemetry::metrics::ProcessMetrics;
use gate_telemetry::trace::Traces;
use gate_upstream::{ControlPlane, Dialer, DialerConfig, ForwardProxies, PoolLimits, Resolver};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, LocalOptions};
use tokio::sync::watch;
use tokio::time::timeout;

/// How the data plane is set up.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen; port 0 = any free port.
    pub listen: SocketAddr,
    /// Where the control plane listens, and nothing else; `None` = where everything does (contract D-26).
    pub admin_listen: Option<SocketAddr>,
    /// How many threads; at least 1.
    pub workers: usize,
    /// The PocketBase this stands in front of: what is not ours of `/api` and `/_` leads there.
    pub pocketbase: Option<Upstream>,
    /// Where everything leads that nothing else matches.
    pub dev_proxy: Option<Upstream>,
    /// Whose `X-Forwarded-*` fields are believed.
    pub trusted_proxies: TrustedProxies,
    /// Proxies between this one and its upstreams; empty unless asked for.
    pub forward_proxies: ForwardProxies,
    /// Which addresses upstreams may have.
    pub upstream_addresses: UpstreamAddresses,
    /// How many client connections there may be.
    pub connections: ConnectionLimits,
    /// How much memory the process may use, in bytes, before it refuses requests; 0 = all there is, `None` = what its control
    /// group may.
    pub memory_limit: Option<u64>,
    /// Where the line of each request goes.
    pub access_log: AccessLogs,
    /// Where sampled requests are told of.
    pub traces: Traces,
    /// Asks the workers what runs.
    pub in_flight: InFlight,
    /// How long it says that it is not ready any more before it stops accepting.
    pub drain_delay: Duration,
    /// How long running requests may take to finish once draining has begun.
    pub drain_timeout: Duration,
    /// Where the workers count what they do; for as many of them.
    pub metrics: Arc<ProcessMetrics>,
}

/// The running data plane. Dropping it lets it run on.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    draining: watch::Sender<bool>,
    drain_delay: Duration,
    condition: Arc<Condition>,
    watchdog: Watchdog,
    threads: Vec<JoinHandle<()>>,
}

/// Why the data plane does not start. One sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error("{0} is already in use by another program")]
    AddressInUse(SocketAddr),
    /// The address is not this machine's, or listening there is not allowed.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The system gives no thread or event loop.
    #[error("cannot start a worker: {0}")]
    Worker(io::Error),
}

impl StartError {
    fn of(address: SocketAddr, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => StartError::AddressInUse(address),
            _ => StartError::Listen(address, error),
        }
    }
}

impl Server {
    /// Finds out whether the data plane could listen there, before anything else is done for it.
    ///
    /// # Errors
    /// What [`Server::start`] would say.
    pub fn probe(listen: SocketAddr) -> Result<(), StartError> {
        listener::probe(listen).map_err(|error| StartError::of(listen, error))
    }

    /// Listens and starts the workers. `identities` is how they find out who calls, `control` the runtime that resolves names.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(
        config: ServerConfig,
        published: Arc<Published>,
        control_plane: ControlPlane,
        identities: Identities,
        control: Handle,
    ) -> Result<Server, StartError> {
        let workers = config.workers.max(1);
        let bind = |address| listener::bind(address, workers).map_err(|error| StartError::of(address, error));
        let (address, listeners) = bind(config.listen)?;
        let (admin_address, admin_listeners) = config.admin_listen.map(bind).transpose()?.unzip();
        let mut admin_listeners = admin_listeners.into_iter().flatten();
        let (draining, is_draining) = watch::channel(false);
        let process = random();
        let dialer_config = DialerConfig {
            resolver: Resolver::new(control),
            control_plane,
            forward_proxies: config.forward_proxies,
            addresses: config.upstream_addresses,
        };
        let parts = WorkerParts {
            published,
            dialer: Dialer::new(dialer_config),
            identities,
            pool_limits: PoolLimits::per_worker(workers),
            pocketbase: config.pocketbase,
            dev_proxy: config.dev_proxy,
            trusted_proxies: Arc::new(config.trusted_proxies),
            via: format!("1.1 pocketgate-{process:016x}").into(),
            condition: Arc::default(),
            access_logs: config.access_log,
            traces: config.traces,
            seed: process,
            number: 0,
            metrics: config.metrics,
        };
        let condition = Arc::clone(&parts.condition);
        let limit = ConnectionLimit::new(config.connections);
        // Of its own: who fills the public port keeps nobody from helping.
        let admin_limit = ConnectionLimit::new(config.connections);
        let hearts: Vec<_> =
            (0..workers).map(|number| (format!("worker-{number}"), Heartbeat::new(Instant::now()))).collect();
        let memory = Memory::of_process(config.memory_limit);
        let watchdog =
            Watchdog::start(&hearts, memory, Arc::clone(&condition)).map_err(StartError::Worker)?;
        let threads = listeners
            .into_iter()
            .zip(hearts)
            .enumerate()
            .map(|(number, (listener, (name, heartbeat)))| {
                // Far enough apart that no two workers ever number a request alike.
                let seed = process.wrapping_add((number as u64) << 48);
                let parts = WorkerParts { seed, number, ..parts.clone() };
                let work = Work {
                    listener,
                    admin_listener: admin_listeners.next(),
                    limit: Arc::clone(&limit),
                    admin_limit: Arc::clone(&admin_limit),
                    heartbeat,
                    questions: config.in_flight.worker(number),
                    draining: is_draining.clone(),
                    drain_timeout: config.drain_timeout,
                };
                thread::Builder::new().name(name).spawn(move || run(parts, work))
            })
            .collect::<io::Result<_>>()
            .map_err(StartError::Worker)?;
        Ok(Server {
            address,
            admin_address,
            draining,
            drain_delay: config.drain_delay,
            condition,
            watchdog,
            threads,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the control plane listens, if not there.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Says that it is not ready any more, and after the drain delay stops accepting and lets what runs finish, for as long as
    /// the drain timeout says. Blocks for the delay.
    pub fn drain(&self) {
        self.condition.leave();
        thread::sleep(self.drain_delay);
        self.draining.send_replace(true);
    }

    /// Waits until every worker has ended. Blocks.
    pub fn wait(self) {
        for thread in self.threads {
            let _ = thread.join();
        }
        drop(self.watchdog);
    }
}

/// What one worker works with besides what it shares with its connections.
struct Work {
    listener: StdListener,
    /// That of the control plane, if it has one.
    admin_listener: Option<StdListener>,
    limit: Arc<ConnectionLimit>,
    admin_limit: Arc<ConnectionLimit>,
    heartbeat: Arc<Heartbeat>,
    /// What the control plane asks about its requests.
    questions: Option<InFlightQuestions>,
    draining: watch::Receiver<bool>,
    drain_timeout: Duration,
}

/// One worker, from its first connection to its last.
fn run(parts: WorkerParts, work: Work) {
    let built = Builder::new_current_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .max_io_events_per_tick(EVENTS_PER_TICK)
        .build_local(LocalOptions::default());
    match built {
        Ok(runtime) => runtime.block_on(work.run(Worker::new(parts))),
        Err(error) => tracing::error!(%error, "a worker has no event loop"),
    }
}

impl Work {
    async fn run(mut self, worker: Rc<Worker>) {
        let listeners = TcpListener::from_std(self.listener)
            .and_then(|listener| Ok((listener, self.admin_listener.map(TcpListener::from_std).transpose()?)));
        let (listener, admin_listener) = match listeners {
            Ok(listeners) => listeners,
            Err(error) => return tracing::error!(%error, "a worker cannot use its listener"),
        };
        tokio::task::spawn_local(ticker::run(Rc::clone(&worker), self.heartbeat));
        if let Some(questions) = self.questions {
            tokio::task::spawn_local(questions::answer(Rc::clone(&worker), questions));
        }
        let scope = if admin_listener.is_some() { Scope::Proxies } else { Scope::Everything };
        let acceptor = Acceptor::new(Rc::clone(&worker), scope, self.limit);
        let admin_acceptor = Acceptor::new(Rc::clone(&worker), Scope::ControlPlane, self.admin_limit);
        // An error means that the server was dropped: nobody is left to ask for the end.
        tokio::select! {
            Ok(_) = self.draining.wait_for(|draining| *draining) => {}
            () = acceptor.accept(&listener) => {}
            () = admin_acceptor.accept_if_any(admin_listener.as_ref()) => {}
        }
        worker.is_draining.set(true);
        worker.rouse();
        let queued = acceptor.accept_queued(listener);
        let admin_queued = admin_listener.map_or(Ok(()), |listener| admin_acceptor.accept_queued(listener));
        if let Err(error) = queued.and(admin_queued) {
            tracing::warn!(%error, "some clients that had just connected are left without an answer");
        }
        worker.deadlines.wake_all();
        finish(&worker, self.drain_timeout).await;
        let BufferUse { taken, reused, beyond } = buffer_pool::publish(&worker.metrics);
        tracing::debug!(taken, reused, beyond, "buffers used");
    }
}

/// Waits for what runs. What has not ended in time is told so, if it can still be told anything.
async fn finish(worker: &Worker, drain_timeout: Duration) {
    if timeout(drain_timeout, drained(worker)).await.is_err() {
        tracing::warn!(connections = worker.connections(), "stopping although requests still run");
        worker.deadlines.end();
        let _ = timeout(LAST_WORDS, drained(worker)).await;
    }
}

async fn drained(worker: &Worker) {
    while worker.connections() > 0 {
        worker.drained.notified().await;
    }
}

/// A number no other process has, from the randomness the standard library seeds its hash maps with.
fn random() -> u64 {
    RandomState::new().hash_one(Instant::now())
}

/// How many tasks run before the event loop is asked again; tokio's own default is 61.
const EVENT_INTERVAL: u32 = 61;
/// How many events are taken at once.
const EVENTS_PER_TICK: usize = 1024;
/// For writing a refusal of a few hundred bytes.
const LAST_WORDS: Duration = Duration::from_secs(1);
