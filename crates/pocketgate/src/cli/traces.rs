//! The flags of traces.

use super::access_log::share;
use super::environment;
use super::switch::Switch;
use clap::Args;
use gate_otlp::{OtlpConfig, OtlpError};
use gate_snapshot::Upstream;
use std::env;

/// What is told of requests to an OpenTelemetry collector.
#[derive(Args, Debug)]
pub(crate) struct TraceArgs {
    /// An OpenTelemetry collector that gets traces (OTLP over HTTP); the one that OTEL_EXPORTER_OTLP_ENDPOINT names when
    /// not given, and none without either
    #[arg(long, env = environment::OTLP, value_name = "URL", value_parser = Upstream::parse)]
    otlp: Option<Upstream>,

    /// Whether requests are traced at all
    #[arg(long, env = environment::TRACE, value_name = "SWITCH", value_enum, default_value_t)]
    trace: Switch,

    /// Which share of the requests that come without a trace is recorded, from 0 to 1; one that comes with a trace is
    /// recorded if that says so
    #[arg(id = "trace-sample", long, env = environment::TRACE_SAMPLE, value_name = "SHARE", default_value = SAMPLE,
          value_parser = share)]
    sample: f64,
}

impl TraceArgs {
    /// Where traces are sent; none when nothing is traced.
    ///
    /// # Errors
    /// The environment names a collector, but not in a way that can be used.
    pub(super) fn config(&self) -> Result<Option<OtlpConfig>, OtlpError> {
        match self.trace {
            Switch::On => {
                OtlpConfig::new(self.otlp.clone(), env!("CARGO_PKG_VERSION"), |name| env::var(name).ok())
            }
            Switch::Off => Ok(None),
        }
    }

    /// Which share of the traces that begin here is recorded.
    pub(super) fn sample(&self) -> f64 {
        self.sample
    }
}

/// As OpenTelemetry has it: whoever names a collector wants to see something there.
const SAMPLE: &str = "1";
