//! How the access log is set up.

use super::log::AccessLogs;
use super::writer::{self, Output};
use crate::log::Format;
use std::io;
use std::path::PathBuf;

/// How the access log is set up.
#[derive(Clone, Debug)]
pub struct AccessLogConfig {
    /// Where lines go.
    pub sink: Sink,
    /// Their form.
    pub format: Format,
    /// Which share of the requests with a good end get a line, from 0 to 1. Everything else always gets one.
    pub sample_successes: f64,
    /// Names of query parameters that are masked besides [`SENSITIVE_PARAMETERS`](super::SENSITIVE_PARAMETERS).
    pub sensitive_parameters: Vec<Box<str>>,
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Nowhere: nothing is written, and nothing is put together.
    Off,
    /// Standard error.
    Stderr,
    /// A file, at whose end they are added.
    File {
        /// Its name.
        path: PathBuf,
        /// How large it may become before another one is begun, in bytes; 0 = as large as it likes.
        rotate_bytes: u64,
        /// How many of those before it are kept, as `path.1` (the newest) and so on.
        keep: u32,
    },
}

/// Why there is no access log. One sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum AccessLogError {
    /// The file cannot be opened.
    #[error("the access log {0} cannot be opened: {1}")]
    Open(PathBuf, io::Error),
    /// The system gives no thread.
    #[error("the thread of the access log cannot be started: {0}")]
    Thread(io::Error),
}

impl AccessLogConfig {
    /// Opens the sink and starts the thread that writes to it.
    ///
    /// # Errors
    /// See [`AccessLogError`].
    pub fn start(self) -> Result<AccessLogs, AccessLogError> {
        let output = Output::open(&self.sink)?;
        let hand_over = output.map(writer::start).transpose().map_err(AccessLogError::Thread)?;
        Ok(AccessLogs::with(&self, hand_over))
    }
}
