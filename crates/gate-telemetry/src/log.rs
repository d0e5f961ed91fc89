//! The process's log: to standard error, as text for a person or as JSON for a collector.

use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a person: time, level, message, fields; coloured on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error.
///
/// What is logged can be narrowed or widened with `POCKETGATE_LOG` in the form `level` or `target=level,…`;
/// the default is `info`.
///
/// # Errors
/// When a subscriber is already installed in this process.
pub fn start(format: Format) -> Result<(), tracing::subscriber::SetGlobalDefaultError> {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    match format {
        Format::Text => {
            tracing::subscriber::set_global_default(builder.with_ansi(io::stderr().is_terminal()).finish())
        }
        Format::Json => tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish()),
    }
}

const FILTER_VARIABLE: &str = "POCKETGATE_LOG";
