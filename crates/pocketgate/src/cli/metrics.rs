//! The flags of `pocketgate serve` that say who may see its metrics.

use super::environment;
use super::serve::address;
use super::switch::Switch;
use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};
use clap::{ArgAction, Args};
use gate_admin::MetricsAccess;
use std::fmt;
use std::net::SocketAddr;

/// Whether anything is counted, and who may see it.
#[derive(Args)]
pub(crate) struct MetricsArgs {
    /// Whether requests are counted and measured; superusers read the result at /api/gateway/metrics
    #[arg(long = "metrics", env = environment::METRICS, value_name = "SWITCH", value_enum, default_value_t)]
    switch: Switch,

    /// Who sends it in `Authorization: Bearer TOKEN` may read the metrics as well. Other users of the machine can see
    /// a command line: better set the variable
    #[arg(long = "metrics-token", env = environment::METRICS_TOKEN, hide_env_values = true, value_name = "TOKEN",
          value_parser = NonEmptyStringValueParser::new())]
    token: Option<String>,

    /// Everybody may read the metrics
    #[arg(long = "metrics-public", env = environment::METRICS_PUBLIC, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true", default_value = "false", action = ArgAction::Set,
          value_parser = BoolishValueParser::new())]
    is_public: bool,

    /// Where to answer /metrics, and nothing else, to everybody who can connect
    #[arg(long = "metrics-listen", env = environment::METRICS_LISTEN, value_name = "ADDRESS:PORT",
          value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,
}

impl MetricsArgs {
    /// Whether anything is counted.
    pub(crate) fn is_on(&self) -> bool {
        self.switch == Switch::On
    }

    /// Who may see it besides superusers.
    pub(crate) fn access(&self) -> MetricsAccess {
        MetricsAccess { token: self.token.as_deref().map(Into::into), is_public: self.is_public }
    }
}

impl fmt::Debug for MetricsArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MetricsArgs { switch, token: _, is_public: _, listen } = self;
        f.debug_struct("MetricsArgs")
            .field("switch", switch)
            .field("access", &self.access())
            .field("listen", listen)
            .finish()
    }
}
