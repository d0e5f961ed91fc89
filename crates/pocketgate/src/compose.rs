//! The composition root: the one place that knows every part and puts them together.

use crate::cli::ServeArgs;
use crate::descriptors;
use crate::failure::Failure;
use crate::signals::Signals;
use gate_admin::{Authenticate, Hub, Services, Windows};
use gate_proxy::{Server, ServerConfig, TrustedProxies};
use gate_records::auth::{Authenticator, FirstSuperuser, Passwords, Superusers};
use gate_records::backups::Backups;
use gate_records::records::Records;
use gate_records::request_log::RequestLog;
use gate_records::secrets::{Keyring, Secrets};
use gate_records::{EnvironmentPolicy, LiveSettings, Publisher, Publishing};
use gate_snapshot::Published;
use gate_store::Store;
use gate_upstream::ForwardProxies;
use std::convert::Infallible;
use std::env;
use std::net::SocketAddr;
use std::num::NonZero;
use std::panic;
use std::sync::Arc;
use std::thread::available_parallelism;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// A gateway that runs: both planes, and what they share.
pub(crate) struct Gateway {
    /// The data plane: threads of its own.
    server: Server,
    /// What makes the first superuser, when there is none.
    setup_token: Option<String>,
    /// Publishes every change of the records.
    publishing: JoinHandle<Infallible>,
    /// The records. Closed last, when nobody reads them any more.
    store: Store,
    signals: Signals,
    /// The control plane, name resolution and signals. Dropped after everything that runs on it.
    runtime: Runtime,
}

/// Opens the records, publishes the first snapshot, starts the control plane, and last of all listens.
pub(crate) fn start(arguments: &ServeArgs) -> Result<Gateway, Failure> {
    let config = server_config(arguments)?;
    // Before the data directory is touched: whoever starts a second gateway by mistake has changed nothing.
    Server::probe(arguments.http).map_err(Failure::other)?;
    log_panics();
    descriptors::raise_limit();
    let runtime = runtime()?;
    let signals = runtime
        .block_on(async { Signals::listen() })
        .map_err(|error| Failure::other(format_args!("failed to take signals: {error}")))?;
    let store = runtime.block_on(Store::open(arguments.directory.location())).map_err(Failure::other)?;
    let published = Arc::new(Published::default());
    let environment = EnvironmentPolicy::new(arguments.env_allow.clone());
    let publisher = runtime
        .block_on(Publisher::start(store.clone(), environment, Arc::clone(&published)))
        .map_err(Failure::other)?;
    let (services, setup_token) = runtime.block_on(services(arguments, &store, publisher.publishing()))?;
    let publishing = runtime.spawn(publisher.run());
    let (control_plane, connections) = gate_upstream::control_plane();
    runtime.spawn(services.hub.clone().run(services.records.changes()));
    runtime.spawn(services.settings.clone().follow());
    runtime.spawn(gate_admin::run_crons(Arc::clone(&services)));
    runtime.spawn(gate_admin::serve(connections, services));
    let server =
        Server::start(config, published, control_plane, runtime.handle().clone()).map_err(Failure::other)?;
    Ok(Gateway { server, setup_token, publishing, store, signals, runtime })
}

impl Gateway {
    /// Where it listens: the address asked for, with the port the system chose if it was 0.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Where the first superuser is made, when there is none.
    pub(crate) fn setup_link(&self) -> Option<String> {
        let token = self.setup_token.as_ref()?;
        Some(format!("http://{}/_/#/setup/{token}", self.address()))
    }

    /// Serves until a signal to stop, then drains: stops accepting and finishes what runs, at most for the time the
    /// data plane was given. A second signal ends the process at once, with the exit code of that signal.
    pub(crate) fn run_until_told_to_stop(self) {
        let Gateway { server, setup_token: _, publishing, store, mut signals, runtime } = self;
        let signal = runtime.block_on(signals.next_stop());
        tracing::info!(%signal, "draining; a second signal ends at once");
        runtime.spawn(exit_at_next_stop(signals));
        server.drain();
        server.wait();
        runtime.block_on(close(store, publishing));
        tracing::info!("stopped");
        runtime.shutdown_background();
    }
}

/// What the control plane's routes call, and the token with which the first superuser is made, when there is none.
async fn services(
    arguments: &ServeArgs,
    store: &Store,
    publishing: Publishing,
) -> Result<(Arc<Services>, Option<String>), Failure> {
    let read_environment = |name: &str| env::var(name).ok();
    let keyring =
        Keyring::open_or_create(&arguments.directory.path, read_environment).map_err(Failure::other)?;
    let secrets_env = read_environment(SECRETS_DEFAULT_ENV).unwrap_or_default();
    let secrets = Secrets::new(store.clone(), Some(keyring), &secrets_env);
    let passwords = Passwords::default();
    let environment = EnvironmentPolicy::new(arguments.env_allow.clone());
    let records = Records::new(store.clone(), passwords.clone(), secrets.clone(), environment, publishing);
    let authenticator =
        Authenticator::open(store.clone(), passwords.clone()).await.map_err(Failure::other)?;
    let superusers = Superusers::new(store.clone(), passwords);
    let setup = FirstSuperuser::open(superusers, authenticator.clone()).await;
    let (first_superuser, setup_token) = setup.map_err(Failure::other)?;
    let settings = LiveSettings::open(store.clone()).await.map_err(Failure::other)?;
    let authenticate = authenticate(authenticator.clone());
    let (request_log, log_writer) = RequestLog::new(store.clone());
    tokio::spawn(log_writer.run());
    let services = Services {
        authenticate,
        authenticator,
        first_superuser,
        records,
        secrets,
        reveal_secrets: arguments.secrets_reveal,
        hub: Hub::default(),
        settings,
        request_log,
        backups: Backups::new(store.clone(), arguments.directory.path.clone()),
        windows: Windows::default(),
    };
    Ok((Arc::new(services), setup_token))
}

/// A store that cannot be read makes everybody a guest.
fn authenticate(authenticator: Authenticator) -> Authenticate {
    Arc::new(move |token| {
        let authenticator = authenticator.clone();
        Box::pin(async move {
            let authenticated = authenticator.authenticate(&token).await.unwrap_or_else(|error| {
                tracing::error!(%error, "failed to look up a token");
                None
            });
            authenticated.map(|authenticated| authenticated.record)
        })
    })
}

/// The publisher holds a connection to the store: it has to let go first.
async fn close(store: Store, publishing: JoinHandle<Infallible>) {
    publishing.abort();
    // It never ends otherwise.
    let _ = publishing.await;
    store.close().await;
}

async fn exit_at_next_stop(mut signals: Signals) {
    let signal = signals.next_stop().await;
    tracing::warn!(%signal, "ended before everything had finished");
    gate_telemetry::log::flush();
    std::process::exit(signal.exit_code());
}

fn server_config(arguments: &ServeArgs) -> Result<ServerConfig, Failure> {
    Ok(ServerConfig {
        listen: arguments.http,
        workers: arguments.workers.map_or_else(cores, usize::from),
        dev_proxy: arguments.dev_proxy.clone(),
        trusted_proxies: TrustedProxies::parse(&arguments.trusted_proxy).map_err(Failure::usage)?,
        forward_proxies: forward_proxies(arguments.upstream_proxy_env)?,
        drain_timeout: arguments.drain_timeout,
    })
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

/// The environment whose secrets are looked in first; the fork's name for it.
const SECRETS_DEFAULT_ENV: &str = "PB_SECRETS_DEFAULT_ENV";
/// One may be busy compiling a large snapshot while the other answers.
const CONTROL_PLANE_THREADS: usize = 2;
/// Reading system files for the resolver and the like; nothing here blocks often or long.
const BLOCKING_THREADS_MAX: usize = 4;
/// Futures live on the heap: what is on a stack is shallow, even unoptimised.
const STACK_BYTES: usize = 512 * 1024;
