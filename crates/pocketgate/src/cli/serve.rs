//! `pocketgate serve`: run the gateway.

use super::access_log::AccessLogArgs;
use super::metrics::MetricsArgs;
use super::traces::TraceArgs;
use super::{DataDirectory, contradictions, environment, list, stdout};
use crate::compose;
use crate::failure::Failure;
use crate::pages::{self, StartupPages};
use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum};
use gate_otlp::{OtlpConfig, OtlpError};
use gate_proxy::{TrustedProxies, TrustedProxyError};
use gate_snapshot::Upstream;
use gate_telemetry::access_log::AccessLogConfig;
use gate_telemetry::log::{self, StartError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Run the gateway
///
/// Listens, prints one line `listening on http://ADDRESS:PORT` on standard output when it is ready, and forwards.
/// Changes made with `pocketgate proxies` in the same data directory take effect at once. Ends on SIGTERM or SIGINT:
/// it stops accepting, finishes what runs, and exits with 0; a second signal ends it at once.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pocketgate serve
  pocketgate serve --http 0.0.0.0:80 --dir /var/lib/pocketgate --log-format json
  pocketgate serve --env-allow 'OPENAI_*' --env-allow 'ANTHROPIC_*'
  pocketgate serve --dev-proxy http://127.0.0.1:5173")]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, env = environment::HTTP, value_name = "ADDRESS:PORT", default_value = HTTP,
          value_parser = address, help_heading = LISTENING)]
    pub(crate) http: SocketAddr,

    /// Where to serve the API and the page, below /api, /_ and /_gateway, which are then not found at --http. What
    /// --pocketbase-upstream passes on stays there
    #[arg(long, env = environment::ADMIN_LISTEN, value_name = "ADDRESS:PORT", value_parser = address,
          help_heading = LISTENING)]
    pub(crate) admin_listen: Option<SocketAddr>,

    /// How many threads forward requests; the number of cores when not given
    #[arg(long, env = environment::WORKERS, value_name = "N", help_heading = LISTENING,
          value_parser = clap::value_parser!(u16).range(1..=WORKERS_MAX))]
    pub(crate) workers: Option<u16>,

    /// A proxy in front of this one whose X-Forwarded-* and X-Request-Id headers are believed; an address or a
    /// network in CIDR form, may be given several times
    #[arg(long, env = environment::TRUSTED_PROXY, value_name = "CIDR", value_delimiter = ',',
          value_parser = network, help_heading = LISTENING)]
    pub(crate) trusted_proxy: Vec<String>,

    /// How many seconds running requests may take to finish after the signal to stop
    #[arg(long, env = environment::DRAIN_TIMEOUT, value_name = "SECONDS", default_value = DRAIN_TIMEOUT,
          value_parser = seconds, help_heading = LISTENING)]
    pub(crate) drain_timeout: Duration,

    /// For how many seconds after the signal to stop connections are still accepted while /api/gateway/ready says no,
    /// so that a load balancer can turn away
    #[arg(long, env = environment::DRAIN_DELAY, value_name = "SECONDS", default_value = DRAIN_DELAY,
          value_parser = seconds, help_heading = LISTENING)]
    pub(crate) drain_delay: Duration,

    /// How many clients may be connected at one time; when not given, as many as half of the process's file
    /// descriptors are enough for
    #[arg(long, env = environment::MAX_CONNECTIONS, value_name = "N", help_heading = OVERLOAD,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: Option<u32>,

    /// How many of them from one IPv4 address, or from one IPv6 network of 64 bits; 0 = any number
    #[arg(long, env = environment::MAX_CONNECTIONS_PER_IP, value_name = "N", default_value = "0",
          help_heading = OVERLOAD)]
    pub(crate) max_connections_per_ip: u32,

    /// Refuse requests when the process has come close to so many bytes of memory; K, M and G may follow, 0 = never.
    /// When not given, what its control group (cgroup v2) may have
    #[arg(long, env = environment::MEMORY_LIMIT, value_name = "BYTES", value_parser = bytes, help_heading = OVERLOAD)]
    pub(crate) memory_limit: Option<u64>,

    #[command(flatten, next_help_heading = CONFIGURATION)]
    pub(crate) directory: DataDirectory,

    /// Which environment variables {env.NAME} in a header may name; * stands for any text, may be given several
    /// times. When not given, every one but PB_*; when empty, none. Never POCKETGATE_* or PB_MASTER_KEY, whatever is given
    #[arg(long, env = environment::ENV_ALLOW, value_name = "PATTERN", value_delimiter = ',',
          value_parser = list::item(), help_heading = CONFIGURATION)]
    pub(crate) env_allow: Vec<String>,

    /// Let superusers read secrets in the clear at /api/secrets/KEY; without it nobody can read one that was saved
    #[arg(long, env = environment::SECRETS_REVEAL, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true", default_value = "false", action = ArgAction::Set,
          value_parser = BoolishValueParser::new(),
          help_heading = CONFIGURATION)]
    pub(crate) secrets_reveal: bool,

    /// Where requests go that no proxy takes; for a front-end's development server
    #[arg(long, env = environment::DEV_PROXY, value_name = "URL", value_parser = Upstream::parse,
          help_heading = UPSTREAMS)]
    pub(crate) dev_proxy: Option<Upstream>,

    /// A PocketBase to stand in front of: requests for /api and /_ that are not for the gateway go there, and its users'
    /// tokens are accepted as with --pocketbase. The gateway's own page and API are below /_gateway/
    #[arg(long, env = environment::POCKETBASE_UPSTREAM, value_name = "URL", value_parser = Upstream::parse,
          help_heading = UPSTREAMS)]
    pub(crate) pocketbase_upstream: Option<Upstream>,

    /// Reach upstreams through the proxies that HTTP_PROXY and HTTPS_PROXY name, http:// URLs both, but for those that
    /// NO_PROXY lists: names, addresses, networks, with :PORT if need be
    #[arg(long, env = environment::UPSTREAM_PROXY_ENV, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true", default_value = "false", action = ArgAction::Set,
          value_parser = BoolishValueParser::new(),
          help_heading = UPSTREAMS)]
    pub(crate) upstream_proxy_env: bool,

    /// Refuse upstreams on this machine and in private networks. Link-local addresses and the metadata services of
    /// clouds are always refused
    #[arg(long, env = environment::BLOCK_PRIVATE_UPSTREAMS, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true", default_value = "false", action = ArgAction::Set,
          value_parser = BoolishValueParser::new(),
          help_heading = UPSTREAMS)]
    pub(crate) block_private_upstreams: bool,

    /// A PocketBase whose users' tokens are accepted; it is asked about each token once a minute
    #[arg(long, env = environment::POCKETBASE, value_name = "URL", value_parser = Upstream::parse,
          help_heading = IDENTITY)]
    pub(crate) pocketbase: Option<Upstream>,

    /// The database of a PocketBase on this machine whose users' tokens are accepted: its data.db, or the directory that
    /// is in. It is read, never written; a token that is revoked is refused within a second
    #[arg(long, env = environment::POCKETBASE_DB, value_name = "PATH", conflicts_with = "pocketbase",
          help_heading = IDENTITY)]
    pub(crate) pocketbase_db: Option<PathBuf>,

    /// Take superusers of that PocketBase for superusers here
    #[arg(long, env = environment::TRUST_REMOTE_SUPERUSERS, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true", default_value = "false", action = ArgAction::Set,
          value_parser = BoolishValueParser::new(),
          help_heading = IDENTITY)]
    pub(crate) trust_remote_superusers: bool,

    #[command(flatten, next_help_heading = METRICS)]
    pub(crate) metrics: MetricsArgs,

    /// The form of the log on standard error
    #[arg(long, env = environment::LOG_FORMAT, value_name = "FORMAT", value_enum, default_value_t,
          help_heading = LOGGING)]
    log_format: LogFormat,

    #[command(flatten, next_help_heading = LOGGING)]
    access_log: AccessLogArgs,

    #[command(flatten, next_help_heading = TRACES)]
    traces: TraceArgs,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum LogFormat {
    /// For a person
    #[default]
    Text,
    /// One JSON object a line, for a collector
    Json,
}

impl ServeArgs {
    /// Runs the gateway until it is told to stop.
    pub(super) fn run(&self) -> Result<(), Failure> {
        contradictions::check(self)?;
        let startup_pages = StartupPages::mapped();
        pages::keep_small();
        self.start_log()?;
        let Some(gateway) = compose::start(self)? else { return Ok(()) };
        startup_pages.give_back();
        stdout::print(format!("listening on http://{}\n", gateway.address()))?;
        if let Some(link) = gateway.setup_link() {
            tracing::warn!(link, "there is no superuser; the link makes the first one, once");
        }
        gateway.run_until_told_to_stop();
        Ok(())
    }

    /// How the access log is set up.
    pub(crate) fn access_log(&self) -> AccessLogConfig {
        self.access_log.config(self.log_format)
    }

    /// Where traces are sent; none when nothing is traced.
    pub(crate) fn otlp(&self) -> Result<Option<OtlpConfig>, OtlpError> {
        self.traces.config()
    }

    /// Which share of the traces that begin here is recorded, from 0 to 1.
    pub(crate) fn trace_sample(&self) -> f64 {
        self.traces.sample()
    }

    fn start_log(&self) -> Result<(), Failure> {
        log::start(self.log_format.into()).map_err(|error| match error {
            StartError::Filter(_) => Failure::usage(error),
            StartError::Installed => Failure::other(error),
        })
    }
}

impl From<LogFormat> for log::Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => log::Format::Text,
            LogFormat::Json => log::Format::Json,
        }
    }
}

/// Loopback alone: nobody from outside reaches a gateway that has not been set up (contract D-1).
const HTTP: &str = "127.0.0.1:8090";
/// What a container runtime or a rolling restart grants before it kills (robustness: drain).
const DRAIN_TIMEOUT: &str = "30";
/// Whoever asks for readiness often enough needs none.
const DRAIN_DELAY: &str = "0";
/// Far above any machine's use of it; catches a slip of the finger before it becomes that many threads.
const WORKERS_MAX: i64 = 1024;
/// A day: whoever waits longer for the last stream is not draining.
const DRAIN_SECONDS_MAX: u64 = 86_400;

const LISTENING: &str = "Listening";
const OVERLOAD: &str = "Overload";
const CONFIGURATION: &str = "Configuration";
const UPSTREAMS: &str = "Upstreams";
const IDENTITY: &str = "Identity";
const METRICS: &str = "Metrics";
const LOGGING: &str = "Logging";
const TRACES: &str = "Traces";

/// An address and a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8090 or [::]:80")
}

/// Checks one network; what they mean together is the data plane's.
fn network(text: &str) -> Result<String, TrustedProxyError> {
    TrustedProxies::parse(&[text]).map(|_| text.to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if seconds <= DRAIN_SECONDS_MAX => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("expected a whole number of seconds from 0 to {DRAIN_SECONDS_MAX}")),
    }
}

/// A number of bytes, as container runtimes write it.
pub(super) fn bytes(text: &str) -> Result<u64, &'static str> {
    let (digits, unit) = match text.strip_suffix(['K', 'k']) {
        Some(digits) => (digits, 1 << 10),
        None => match text.strip_suffix(['M', 'm']) {
            Some(digits) => (digits, 1 << 20),
            None => text.strip_suffix(['G', 'g']).map_or((text, 1), |digits| (digits, 1 << 30)),
        },
    };
    let number: Option<u64> = digits.parse().ok();
    number.and_then(|number| number.checked_mul(unit)).ok_or("expected a number of bytes, such as 512M or 2G")
}
