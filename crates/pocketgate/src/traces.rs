//! Traces, from the workers to a collector.

use crate::cli::ServeArgs;
use crate::failure::Failure;
use gate_otlp::{Exporter, OtlpConfig};
use gate_telemetry::trace::{TraceRecords, Traces};
use gate_upstream::HttpClient;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Traces on their way to a collector, which nobody sends yet.
pub(crate) struct Unsent {
    config: OtlpConfig,
    records: TraceRecords,
}

/// The task that sends them.
pub(crate) struct Sending(Option<JoinHandle<()>>);

/// What the workers write to, and what comes out of that, if traces were asked for.
pub(crate) fn traces(arguments: &ServeArgs) -> Result<(Traces, Option<Unsent>), Failure> {
    let Some(config) = arguments.otlp().map_err(Failure::usage)? else { return Ok((Traces::off(), None)) };
    let (traces, records) = Traces::on(arguments.trace_sample());
    Ok((traces, Some(Unsent { config, records })))
}

impl Sending {
    /// Sends from now on.
    pub(crate) fn start(
        unsent: Option<Unsent>,
        client: impl FnOnce() -> HttpClient,
        control: &Handle,
    ) -> Self {
        let exporter = unsent.map(|Unsent { config, records }| Exporter::new(client(), config, records));
        Sending(exporter.map(|exporter| control.spawn(exporter.run())))
    }

    /// Waits until everything has been sent, but no longer than a moment. The workers have to have ended.
    pub(crate) async fn finish(self) {
        if let Some(task) = self.0 {
            // A collector that is away must not hold up the end.
            let _ = timeout(FINISH_TIMEOUT, task).await;
        }
    }
}

/// Long enough for a collector that takes anything.
const FINISH_TIMEOUT: Duration = Duration::from_secs(2);
