//! The process's log: to standard error, as text for a person or as JSON for a collector.
//!
//! A thread of its own writes the lines, so that whoever reads them, or does not, never holds up a request: lines that
//! find no room are dropped and counted.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;
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

/// Why nothing is logged.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The variable says nothing that can be logged by.
    #[error("{FILTER_VARIABLE} {0}")]
    Filter(FilterError),
    /// A subscriber is already installed in this process.
    #[error("the log was started twice")]
    Installed,
}

/// What is wrong with what is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "has {item:?}, where off, error, warn, info, debug, trace or PART=LEVEL is expected, such as info,gate_proxy=debug"
)]
pub struct FilterError {
    item: String,
}

/// Starts logging to standard error.
///
/// What is logged can be narrowed or widened with `POCKETGATE_LOG` in the form `level` or `target=level,…`;
/// the default, for everything that is not named, is `info`.
///
/// # Errors
/// See [`StartError`].
pub fn start(format: Format) -> Result<(), StartError> {
    let asked_for = env::var_os(FILTER_VARIABLE).unwrap_or_default();
    let filter = filter(&asked_for.to_string_lossy()).map_err(StartError::Filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Lines).with_target(false);
    let started = match format {
        Format::Text => {
            tracing::subscriber::set_global_default(builder.with_ansi(io::stderr().is_terminal()).finish())
        }
        Format::Json => tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish()),
    };
    started.map_err(|_| StartError::Installed)
}

/// What is logged, from a text. The library takes a word that is no level for the name of a part, and logs nothing but that.
fn filter(text: &str) -> Result<EnvFilter, FilterError> {
    let items = || text.split(',').map(str::trim).filter(|item| !item.is_empty());
    for item in items() {
        let level = item.rsplit_once('=').map_or(item, |(_, level)| level);
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) || EnvFilter::try_new(item).is_err()
        {
            return Err(FilterError { item: item.to_owned() });
        }
    }
    // A later level takes the place of an earlier one.
    let directives: Vec<_> = std::iter::once(DEFAULT_FILTER).chain(items()).collect();
    EnvFilter::try_new(directives.join(",")).map_err(|_| FilterError { item: text.to_owned() })
}

/// Waits until everything logged so far has been written, but no longer than a moment. For the end of the process.
pub fn flush() {
    let (written, is_written) = sync_channel(1);
    if writer().try_send(Message::Flush(written)).is_ok() {
        let _ = is_written.recv_timeout(FLUSH_TIMEOUT);
    }
}

/// How many lines were dropped since the start, because nobody wrote them as fast as they came.
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// What the writing thread gets.
enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Takes one formatted line per write.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_)) = writer().try_send(Message::Line(line.to_vec())) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            UNTOLD.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The way to the writing thread, which is started with the first line.
fn writer() -> &'static SyncSender<Message> {
    static WRITER: OnceLock<SyncSender<Message>> = OnceLock::new();
    WRITER.get_or_init(|| {
        let (sender, messages) = sync_channel(LINES_MAX);
        let thread = thread::Builder::new().name("log".to_owned()).stack_size(STACK_BYTES);
        // Without the thread nothing is logged; there is nowhere to say so.
        let _ = thread.spawn(move || write_all(&messages));
        sender
    })
}

fn write_all(messages: &Receiver<Message>) {
    let mut errors = io::stderr();
    for message in messages {
        // A log that cannot be written is no reason to stop serving.
        match message {
            Message::Line(line) => drop(errors.write_all(&line)),
            Message::Flush(written) => drop(written.send(())),
        }
        let dropped = UNTOLD.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            drop(writeln!(
                errors,
                "{{\"level\":\"WARN\",\"message\":\"log lines were dropped\",\"dropped\":{dropped}}}"
            ));
        }
    }
}

/// Lines that found no room since the start.
static DROPPED: AtomicU64 = AtomicU64::new(0);
/// Lines that found no room since somebody was last told.
static UNTOLD: AtomicU64 = AtomicU64::new(0);
const FILTER_VARIABLE: &str = "POCKETGATE_LOG";
/// What an operator wants to know without having asked.
const DEFAULT_FILTER: &str = "info";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// A burst of refusals fits; at some 200 bytes a line it is under a megabyte.
const LINES_MAX: usize = 4096;
/// The thread only hands bytes to the system.
const STACK_BYTES: usize = 64 * 1024;
/// Long enough for a reader that reads.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    /// What is logged of everything, and of the data plane.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let filter = filter(text).unwrap().to_string();
        let mut directives: Vec<_> = filter.split(',').collect();
        directives.sort_unstable();
        assert_eq!(directives, expected, "{text:?}");
    }

    #[test]
    fn a_level_stands_for_everything_that_is_not_named() {
        check("", &["info"]);
        check(" ", &["info"]);
        check("warn", &["warn"]);
        check("WARN", &["warn"]);
        check("off", &["off"]);
        check("gate_proxy=debug", &["gate_proxy=debug", "info"]);
        check("error, gate_proxy=debug", &["error", "gate_proxy=debug"]);
    }

    #[test]
    fn a_word_that_is_no_level_is_refused_rather_than_taken_for_the_only_part_to_log() {
        for (text, item) in [
            ("warning", "warning"),
            ("info,verbose", "verbose"),
            ("gate_proxy", "gate_proxy"),
            ("info,gate_proxy=verbose", "gate_proxy=verbose"),
            ("=", "="),
            ("gate_proxy=", "gate_proxy="),
        ] {
            let error = filter(text).unwrap_err();
            assert_eq!(error, FilterError { item: item.to_owned() });
            assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}
