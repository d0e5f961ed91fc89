//! The thread that gives the lines to the system, and the way to it.

use super::config::{AccessLogError, Sink};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Lines one behind the other.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    count: u32,
}

/// The way to the writing thread.
#[derive(Clone, Debug)]
pub(super) struct HandOver {
    messages: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

/// What lines are written to.
#[derive(Debug)]
pub(super) enum Output {
    Stderr,
    File(File),
}

/// What the writing thread gets.
#[derive(Debug)]
enum Message {
    Write(Lines),
    /// Everything before it has been written.
    Finish(SyncSender<()>),
}

impl Lines {
    /// Appends one line.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(BUFFER_BYTES + LINE_BYTES);
        }
        write(&mut self.bytes);
        self.count += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether it is time to hand them over.
    pub(super) fn are_many(&self) -> bool {
        self.bytes.len() >= BUFFER_BYTES
    }
}

impl HandOver {
    /// Hands lines over, or drops and counts them when too many are on their way.
    pub(super) fn give(&self, lines: Lines) {
        let count = lines.count;
        if self.messages.try_send(Message::Write(lines)).is_err() {
            self.dropped.fetch_add(count.into(), Ordering::Relaxed);
        }
    }

    pub(super) fn dropped_lines(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn finish(&self) {
        let (written, is_written) = sync_channel(1);
        if self.messages.try_send(Message::Finish(written)).is_ok() {
            let _ = is_written.recv_timeout(FINISH_TIMEOUT);
        }
    }
}

impl Output {
    /// Opens a sink; none when it is off.
    pub(super) fn open(sink: Sink) -> Result<Option<Self>, AccessLogError> {
        match sink {
            Sink::Off => Ok(None),
            Sink::Stderr => Ok(Some(Output::Stderr)),
            Sink::File { path, .. } => {
                let opened = OpenOptions::new().create(true).append(true).open(&path);
                opened.map(|file| Some(Output::File(file))).map_err(|error| AccessLogError::Open(path, error))
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Output::Stderr => io::stderr().write_all(bytes),
            Output::File(file) => file.write_all(bytes),
        }
    }
}

/// Starts the thread.
///
/// # Errors
/// When the system gives none.
pub(super) fn start(output: Output) -> io::Result<HandOver> {
    let (messages, received) = sync_channel(BUFFERS_MAX);
    let dropped = Arc::new(AtomicU64::new(0));
    let hand_over = HandOver { messages, dropped: Arc::clone(&dropped) };
    let thread = thread::Builder::new().name("access-log".to_owned()).stack_size(STACK_BYTES);
    thread.spawn(move || write_all(&received, output, &dropped))?;
    Ok(hand_over)
}

fn write_all(messages: &Receiver<Message>, mut output: Output, dropped: &AtomicU64) {
    for message in messages {
        match message {
            Message::Write(lines) => {
                if output.write(&lines.bytes).is_err() {
                    dropped.fetch_add(lines.count.into(), Ordering::Relaxed);
                }
            }
            Message::Finish(written) => drop(written.send(())),
        }
    }
}

/// So many lines at a time, some fifty, that handing them over costs next to nothing for each.
const BUFFER_BYTES: usize = 16 * 1024;
/// Room for the line that fills the buffer, unless it is a very long one.
const LINE_BYTES: usize = 2 * 1024;
/// What may wait for a sink that does not keep up, of all workers together: at most some 5 MiB.
const BUFFERS_MAX: usize = 256;
/// The thread hands bytes to the system, and now and then says something itself.
const STACK_BYTES: usize = 256 * 1024;
/// Long enough for a sink that takes anything.
const FINISH_TIMEOUT: Duration = Duration::from_millis(500);
