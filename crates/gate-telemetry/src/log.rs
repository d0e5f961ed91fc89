//! The process's log: to standard error, as text for a person or as JSON for a collector.
//!
//! A thread of its own writes the lines, so that whoever reads them, or does not, never holds up a request: lines that
//! find no room are dropped and counted.

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

/// Starts logging to standard error.
///
/// What is logged can be narrowed or widened with `POCKETGATE_LOG` in the form `level` or `target=level,…`;
/// the default is `info`.
///
/// # Errors
/// When a subscriber is already installed in this process.
pub fn start(format: Format) -> Result<(), tracing::subscriber::SetGlobalDefaultError> {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Lines).with_target(false);
    match format {
        Format::Text => {
            tracing::subscriber::set_global_default(builder.with_ansi(io::stderr().is_terminal()).finish())
        }
        Format::Json => tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish()),
    }
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
/// A burst of refusals fits; at some 200 bytes a line it is under a megabyte.
const LINES_MAX: usize = 4096;
/// The thread only hands bytes to the system.
const STACK_BYTES: usize = 64 * 1024;
/// Long enough for a reader that reads.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(200);
