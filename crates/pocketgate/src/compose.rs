//! The composition root: the one place that knows every part and puts them together.

use crate::cli::{self, ServeArgs};
use crate::descriptors;
use crate::failure::Failure;
use crate::metrics_listener::MetricsListener;
use crate::signals::Signals;
use crate::traces::{self, Sending};
use gate_admin::{Authenticate, Hub, LastMinute, Services, Windows};
use gate_proxy::{ConnectionLimits, Server, ServerConfig, TrustedProxies};
use gate_records::auth::{
    Authenticator, FirstSuperuser, HoldTimes, Identities, Introspection, IntrospectionConfig, Passwords,
    Superusers, answer_questions,
};
use gate_records::backups::Backups;
use gate_records::records::{Follower, Records};
use gate_records::request_log::RequestLog;
use gate_records::{EnvironmentPolicy, LiveSettings, Publisher};
use gate_snapshot::{Published, UpstreamAddresses};
use gate_store::{Changes, Location, PocketBaseDatabase, Store};
use gate_telemetry::access_log::AccessLogs;
use gate_telemetry::in_flight::InFlight;
use gate_telemetry::metrics::ProcessMetrics;
use gate_telemetry::trace::Traces;
use gate_upstream::{ControlPlane, Dialer, DialerConfig, ForwardProxies, HttpClient, Resolver};
use std::env;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZero;
use std::panic;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// A gateway that runs: both planes, and what they share.
pub(crate) struct Gateway {
    /// The data plane: threads of its own.
    server: Server,
    /// What makes the first superuser, when there is none.
    setup_token: Option<String>,
    /// Where the page is: the first segment of its path.
    page: &'static str,
    /// Who listens to changes: streams that would not end by themselves.
    hub: Hub,
    /// The control plane's tasks.
    background: JoinSet<()>,
    /// Publishes what they write; ends after they have.
    publishing: Publishing,
    /// Writes the request log; ends after those tasks have.
    log_writing: JoinHandle<()>,
    /// The records. Closed last, when nobody reads them any more.
    store: Store,
    /// The access log, whose last lines are waited for.
    access_log: AccessLogs,
    /// Sends traces, the last of which are waited for.
    traces: Sending,
    signals: Signals,
    /// The control plane, name resolution and signals. Dropped after everything that runs on it.
    runtime: Runtime,
}

/// Opens the records, publishes the first snapshot, starts the control plane, and last of all listens. `None`: it was told
/// to stop before.
pub(crate) fn start(arguments: &ServeArgs) -> Result<Option<Gateway>, Failure> {
    log_panics();
    descriptors::raise_limit();
    let (traces, unsent) = traces::traces(arguments)?;
    let mut config = server_config(arguments, traces)?;
    // Without the excerpt that is added below: that would keep the request log open to its end.
    let access_log = config.access_log.clone();
    // Before the data directory is touched: whoever starts a second gateway by mistake has changed nothing.
    for address in [Some(arguments.http), arguments.admin_listen].into_iter().flatten() {
        Server::probe(address).map_err(Failure::other)?;
    }
    let runtime = runtime()?;
    let mut signals = runtime
        .block_on(async { Signals::listen() })
        .map_err(|error| Failure::other(format_args!("failed to take signals: {error}")))?;
    let metrics_listener = arguments.metrics.listen.map(MetricsListener::bind);
    let metrics_listener = metrics_listener.map(|binding| runtime.block_on(binding)).transpose()?;
    let published = Arc::new(Published::default());
    let (control_plane, connections) = gate_upstream::control_plane();
    let client = http_client(&config, config.upstream_addresses, &control_plane, runtime.handle());
    let composing = compose(arguments, &config, &published, client);
    let composed = runtime.block_on(async {
        tokio::select! {
            // Nothing has begun that would have to be finished: what is open is dropped where it stands.
            signal = signals.next_stop(|| access_log.reopen()) => {
                tracing::info!(%signal, "stopped before it listened");
                Ok(None)
            }
            composed = composing => composed.map(Some),
        }
    });
    let Some(parts) = composed? else {
        runtime.shutdown_background();
        return Ok(None);
    };
    let ControlPlaneParts {
        store,
        services,
        setup_token,
        publisher,
        identities,
        identity_changes: changes,
        follower,
        log_writing,
    } = parts;
    let (asking, asked) = gate_snapshot::identities(identities.epoch());

    let mut background = JoinSet::new();
    let handle = runtime.handle();
    let publishing = Publishing::start(publisher, handle);
    background.spawn_on(answer_questions(asked, identities.clone()), handle);
    background.spawn_on(async { match identities.watch(changes).await {} }, handle);
    let hub = services.hub.clone();
    background.spawn_on(hub.clone().run(follower.changes()), handle);
    background.spawn_on(follower.run(), handle);
    let following = services.settings.clone().follow();
    background.spawn_on(
        async move {
            let Err(error) = following.await;
            tracing::error!(%error, "settings changed by others are not noticed any more");
        },
        handle,
    );
    let telling = gate_admin::tell_status(hub.clone(), Arc::clone(&published), services.last_minute.clone());
    background.spawn_on(async { match telling.await {} }, handle);
    let looking = services.last_minute.clone().watch(Arc::clone(&published));
    background.spawn_on(async { match looking.await {} }, handle);
    background.spawn_on(gate_admin::run_crons(Arc::clone(&services)), handle);
    if let Some(listener) = metrics_listener {
        background.spawn_on(listener.serve(Arc::clone(&services)), handle);
    }
    config.access_log = services.access_log.clone();
    background.spawn_on(gate_admin::serve(connections, services), handle);
    // The operator says where the collector is: that upstreams may not be there says nothing about it.
    let anywhere = UpstreamAddresses::default();
    let client = || http_client(&config, anywhere, &control_plane, handle);
    let traces = Sending::start(unsent, client, handle);
    let server =
        Server::start(config, published, control_plane, asking, handle.clone()).map_err(Failure::other)?;
    if let Some(address) = server.admin_address() {
        tracing::info!(%address, "the API and the page are served here alone");
    }
    let page = if arguments.pocketbase_upstream.is_some() { "_gateway" } else { "_" };
    Ok(Some(Gateway {
        server,
        setup_token,
        page,
        hub,
        background,
        publishing,
        log_writing,
        store,
        access_log,
        traces,
        signals,
        runtime,
    }))
}

impl Gateway {
    /// Where it listens: the address asked for, with the port the system chose if it was 0.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Where the first superuser is made, when there is none.
    pub(crate) fn setup_link(&self) -> Option<String> {
        let token = self.setup_token.as_ref()?;
        let address = reachable(self.server.admin_address().unwrap_or(self.address()));
        Some(format!("http://{address}/{}/#/setup/{token}", self.page))
    }

    /// Serves until a signal to stop, then drains: stops accepting and finishes what runs, at most for the time the
    /// data plane was given. A second signal ends the process at once, with the exit code of that signal.
    pub(crate) fn run_until_told_to_stop(self) {
        let Gateway {
            server,
            setup_token: _,
            page: _,
            hub,
            background,
            publishing,
            log_writing,
            store,
            access_log,
            traces,
            mut signals,
            runtime,
        } = self;
        let signal = runtime.block_on(signals.next_stop(|| access_log.reopen()));
        tracing::info!(%signal, "draining; a second signal ends at once");
        runtime.spawn(exit_at_next_stop(signals, access_log.clone()));
        server.drain();
        hub.close();
        server.wait();
        access_log.finish();
        runtime.block_on(traces.finish());
        runtime.block_on(close(store, background, publishing, log_writing));
        tracing::info!("stopped");
        runtime.shutdown_background();
    }
}

/// The publisher at work.
struct Publishing {
    stop: oneshot::Sender<()>,
    task: JoinSet<()>,
}

impl Publishing {
    fn start(publisher: Publisher, control: &Handle) -> Self {
        let (stop, stopped) = oneshot::channel();
        let mut task = JoinSet::new();
        task.spawn_on(publisher.run(async { _ = stopped.await }), control);
        Publishing { stop, task }
    }

    /// Lets it keep what it published last, for a start without the database.
    async fn stop(mut self) {
        // Nobody takes it when the publisher has panicked; the log has said so.
        let _ = self.stop.send(());
        if timeout(KEEPING_MAX, self.task.join_next()).await.is_err() {
            tracing::warn!("ended before the newest configuration was kept for a start without the database");
        }
        self.task.shutdown().await;
    }
}

/// The control plane, not yet running.
struct ControlPlaneParts {
    /// The records.
    store: Store,
    /// What its routes call.
    services: Arc<Services>,
    /// What makes the first superuser, when there is none.
    setup_token: Option<String>,
    /// Has published the first snapshot.
    publisher: Publisher,
    /// Says whose token it is.
    identities: Identities,
    /// Notices of changes of theirs.
    identity_changes: Changes,
    /// Tells of every write.
    follower: Follower,
    /// Writes the request log until nobody adds to it any more.
    log_writing: JoinHandle<()>,
}

/// All that waits for a database. Cancel-safe: what was opened is closed.
async fn compose(
    arguments: &ServeArgs,
    config: &ServerConfig,
    published: &Arc<Published>,
    client: HttpClient,
) -> Result<ControlPlaneParts, Failure> {
    let store = Store::open(arguments.directory.location()).await.map_err(Failure::other)?;
    let environment = || EnvironmentPolicy::new(arguments.env_allow.clone());
    let secrets = cli::open_secrets(&arguments.directory, &store).await?;
    let publisher = Publisher::start(
        store.clone(),
        secrets.clone(),
        environment(),
        Arc::clone(published),
        Arc::clone(&config.metrics),
    );
    let publisher = publisher.await.map_err(Failure::other)?;
    let passwords = Passwords::default();
    let authenticator =
        Authenticator::open(store.clone(), passwords.clone()).await.map_err(Failure::other)?;
    let superusers = Superusers::new(store.clone(), passwords.clone());
    let setup = FirstSuperuser::open(superusers, authenticator.clone()).await;
    let (first_superuser, setup_token) = setup.map_err(Failure::other)?;
    let mut identities = Identities::new(authenticator.clone());
    if let Some(path) = &arguments.pocketbase_db {
        let database = PocketBaseDatabase::open(path).await.map_err(Failure::other)?;
        identities = identities.with_database(database, arguments.trust_remote_superusers);
    } else if let Some(introspection) = introspection(arguments, client.clone()) {
        identities = identities.with_introspection(introspection);
    }
    let (request_log, log_writer) = RequestLog::new(store.clone());
    let log_writing = tokio::spawn(log_writer.run());
    let settings = LiveSettings::open(store.clone()).await.map_err(Failure::other)?;
    let shown = gate_admin::log_forwarded(settings.clone(), request_log.clone());
    let services = Services {
        authenticate: authenticate(identities.clone()),
        authenticator,
        first_superuser,
        records: Records::new(
            store.clone(),
            passwords,
            secrets.clone(),
            environment(),
            config.upstream_addresses,
            publisher.publishing(),
        ),
        secrets,
        reveal_secrets: arguments.secrets_reveal,
        published: Arc::clone(published),
        client,
        has_pocketbase: arguments.pocketbase_upstream.is_some(),
        hub: Hub::default(),
        settings,
        request_log,
        access_log: config.access_log.clone().with_excerpt(shown),
        in_flight: config.in_flight.clone(),
        traced: config.traces.counts(),
        backups: Backups::new(store.clone(), arguments.directory.path.clone()),
        windows: Windows::default(),
        last_minute: LastMinute::default(),
        metrics: Arc::clone(&config.metrics),
        metrics_access: arguments.metrics.access(),
        store_kind: match arguments.directory.location() {
            Location::Directory(_) => "sqlite",
            Location::Postgres { .. } => "postgresql",
        },
    };
    let identity_changes = identities.changes().await.map_err(Failure::other)?;
    let follower = services.records.follow(services.hub.listened()).await.map_err(Failure::other)?;
    Ok(ControlPlaneParts {
        store,
        services: Arc::new(services),
        setup_token,
        publisher,
        identities,
        identity_changes,
        follower,
        log_writing,
    })
}

/// Asks the PocketBase whose tokens are accepted, if there is one.
fn introspection(arguments: &ServeArgs, client: HttpClient) -> Option<Introspection> {
    let service = arguments.pocketbase.clone().or_else(|| arguments.pocketbase_upstream.clone())?;
    let trust_superusers = arguments.trust_remote_superusers;
    Some(Introspection::new(
        client,
        IntrospectionConfig { service, trust_superusers, hold: HoldTimes::default() },
    ))
}

/// What the control plane asks other services with, at these addresses.
fn http_client(
    config: &ServerConfig,
    addresses: UpstreamAddresses,
    control_plane: &ControlPlane,
    control: &Handle,
) -> HttpClient {
    HttpClient::new(Dialer::new(DialerConfig {
        resolver: Resolver::new(control.clone()),
        control_plane: control_plane.clone(),
        forward_proxies: config.forward_proxies.clone(),
        addresses,
    }))
}

fn authenticate(identities: Identities) -> Authenticate {
    Arc::new(move |token| {
        let identities = identities.clone();
        Box::pin(async move { Ok(identities.authenticate(&token).await?.map(|known| known.record)) })
    })
}

/// The tasks hold connections to the store: they have to let go first. What they wrote last is still kept, and what they
/// logged last is still written.
async fn close(
    store: Store,
    mut background: JoinSet<()>,
    publishing: Publishing,
    log_writing: JoinHandle<()>,
) {
    background.shutdown().await;
    publishing.stop().await;
    // A log that cannot be written must not hold up the end.
    let _ = timeout(LOG_WRITING_MAX, log_writing).await;
    store.close().await;
}

async fn exit_at_next_stop(mut signals: Signals, access_log: AccessLogs) {
    let signal = signals.next_stop(|| access_log.reopen()).await;
    tracing::warn!(%signal, "ended before everything had finished");
    access_log.finish();
    gate_telemetry::log::flush();
    std::process::exit(signal.exit_code().into());
}

fn server_config(arguments: &ServeArgs, traces: Traces) -> Result<ServerConfig, Failure> {
    let workers = arguments.workers.map_or_else(cores, usize::from);
    Ok(ServerConfig {
        listen: arguments.http,
        admin_listen: arguments.admin_listen,
        workers,
        pocketbase: arguments.pocketbase_upstream.clone(),
        dev_proxy: arguments.dev_proxy.clone(),
        trusted_proxies: TrustedProxies::parse(&arguments.trusted_proxy).map_err(Failure::usage)?,
        forward_proxies: forward_proxies(arguments.upstream_proxy_env)?,
        upstream_addresses: UpstreamAddresses { block_private: arguments.block_private_upstreams },
        connections: ConnectionLimits {
            total: arguments.max_connections.map_or_else(descriptors::connections, |count| count as usize),
            per_address: arguments.max_connections_per_ip as usize,
        },
        memory_limit: arguments.memory_limit,
        traces,
        in_flight: InFlight::new(workers),
        access_log: arguments.access_log().start().map_err(Failure::other)?,
        drain_delay: arguments.drain_delay,
        drain_timeout: arguments.drain_timeout,
        metrics: Arc::new(ProcessMetrics::new(workers, arguments.metrics.is_on())),
    })
}

/// Where this machine reaches what listens on an address: a browser cannot be sent to all of them.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

fn forward_proxies(asked_for: bool) -> Result<ForwardProxies, Failure> {
    if !asked_for {
        return Ok(ForwardProxies::default());
    }
    ForwardProxies::from_environment(|name| env::var(name).ok()).map_err(Failure::usage)
}

fn cores() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(CONTROL_PLANE_THREADS)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("control-plane")
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format_args!("failed to start the control plane's threads: {error}")))
}

/// A panic ends one request or one task; what it said belongs into the log, in the log's form.
fn log_panics() {
    panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panicked")));
}

/// How long the disk may take to keep the newest configuration: what a busy one needs for some megabytes.
const KEEPING_MAX: Duration = Duration::from_secs(5);
/// How long the last lines of the request log may take.
const LOG_WRITING_MAX: Duration = Duration::from_secs(1);
/// One may be busy compiling a large snapshot while the other answers.
const CONTROL_PLANE_THREADS: usize = 2;
/// Reading system files for the resolver and the like; nothing here blocks often or long.
const BLOCKING_THREADS_MAX: usize = 4;
/// The usual size; an unoptimised build needs more than 512 KiB to put a record together. Only what was touched is memory.
const STACK_BYTES: usize = 2 * 1024 * 1024;
