//! The thread that gives the lines to the system, and the way to it.

use super::config::{AccessLogError, Sink};
use super::dropped::{Dropped, TELL_EVERY};
use super::lines::Lines;
use super::log_file::LogFile;
use std::io::{self, Write};
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// The way to the writing thread.
#[derive(Clone, Debug)]
pub(super) struct HandOver {
    messages: SyncSender<Message>,
    shared: Arc<Shared>,
}

/// What both sides know.
#[derive(Debug, Default)]
struct Shared {
    dropped: Dropped,
    /// The file is to be opened anew before anything else is written.
    reopen: AtomicBool,
}

/// What the writing thread gets.
#[derive(Debug)]
enum Message {
    Write(Lines),
    /// Everything before it has been written.
    Finish(SyncSender<()>),
}

/// What the writing thread works with.
struct Writer {
    output: Output,
    shared: Arc<Shared>,
    /// What was written last is the beginning of a line.
    is_cut: bool,
}

/// What lines are written to.
#[derive(Debug)]
pub(super) enum Output {
    /// Standard error.
    Stderr,
    /// A file.
    File(LogFile),
}

impl HandOver {
    /// Hands lines over, or drops and counts them when too many are on their way.
    pub(super) fn give(&self, lines: Lines) {
        let count = lines.count();
        if self.messages.try_send(Message::Write(lines)).is_err() {
            self.shared.dropped.count(count, None);
        }
    }

    pub(super) fn dropped_lines(&self) -> u64 {
        self.shared.dropped.lines()
    }

    pub(super) fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Relaxed);
    }

    pub(super) fn finish(&self) {
        let (written, is_written) = sync_channel(1);
        if self.messages.try_send(Message::Finish(written)).is_ok() {
            let _ = is_written.recv_timeout(FINISH_TIMEOUT);
        }
        self.shared.dropped.tell(Duration::ZERO, None);
    }
}

impl Output {
    /// Opens a sink; none when it is off.
    pub(super) fn open(sink: &Sink) -> Result<Option<Self>, AccessLogError> {
        match sink {
            Sink::Off => Ok(None),
            Sink::Stderr => Ok(Some(Output::Stderr)),
            Sink::File { path, rotate_bytes, keep } => {
                let opened = LogFile::open(path.clone(), *rotate_bytes, *keep);
                opened
                    .map(|file| Some(Output::File(file)))
                    .map_err(|error| AccessLogError::Open(path.clone(), error))
            }
        }
    }
}

/// Starts the thread.
///
/// # Errors
/// When the system gives none.
pub(super) fn start(output: Output) -> io::Result<HandOver> {
    let (messages, received) = sync_channel(BUFFERS_MAX);
    let shared = Arc::<Shared>::default();
    let writer = Writer { output, shared: Arc::clone(&shared), is_cut: false };
    let thread = thread::Builder::new().name("access-log".to_owned()).stack_size(STACK_BYTES);
    thread.spawn(move || writer.run(&received))?;
    Ok(HandOver { messages, shared })
}

impl Writer {
    /// Until no worker is left.
    fn run(mut self, messages: &Receiver<Message>) {
        while let Ok(first) = messages.recv() {
            let mut taken = 0;
            for message in iter::once(first).chain(messages.try_iter()).take(BUFFERS_MAX) {
                self.take(message);
                taken += 1;
            }
            self.shared.dropped.tell(TELL_EVERY, None);
            // Whoever hands lines over meanwhile need not wake us, which costs him a system call.
            if taken < BUFFERS_SOON {
                thread::sleep(PAUSE);
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Write(lines) => self.write(lines.bytes()),
            Message::Finish(written) => drop(written.send(())),
        }
    }

    /// Writes lines. Those that the sink does not take are dropped: it may take the next.
    fn write(&mut self, bytes: &[u8]) {
        self.prepare(bytes.len());
        let mut rest = bytes;
        let outcome = self.end_cut_line().and_then(|()| self.output.give(&mut rest));
        if let Some(last) = bytes.get(..bytes.len() - rest.len()).and_then(<[u8]>::last) {
            self.is_cut = *last != b'\n';
        }
        if let Err(error) = outcome {
            let lost = rest.split(|byte| *byte == b'\n').skip(1).count();
            self.shared.dropped.count(u32::try_from(lost).unwrap_or(u32::MAX), Some(&error));
        }
    }

    fn prepare(&mut self, bytes: usize) {
        let reopen = self.shared.reopen.swap(false, Ordering::Relaxed);
        if let Output::File(file) = &mut self.output {
            if reopen {
                file.reopen();
            }
            file.make_room(bytes);
        }
    }

    /// A line of which the sink took only a part is lost; the next one is not to be lost with it.
    fn end_cut_line(&mut self) -> io::Result<()> {
        if self.is_cut {
            self.output.give(&mut &b"\n"[..])?;
            self.is_cut = false;
        }
        Ok(())
    }
}

impl Output {
    fn give(&mut self, rest: &mut &[u8]) -> io::Result<()> {
        match self {
            // Locked as long as it takes: lines of the process's log stay out of the middle of ours.
            Output::Stderr => give(&mut io::stderr().lock(), rest),
            Output::File(file) => give(file, rest),
        }
    }
}

/// Writes all of it, however long that takes. After an error, `rest` is what was not written.
fn give(output: &mut impl Write, rest: &mut &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match output.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => *rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Whoever shares the pipe with us has made it non-blocking for all.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(FULL_PIPE_PAUSE),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What may wait for a sink that does not keep up, of all workers together: some 5 MiB at most.
const BUFFERS_MAX: usize = 256;
/// How long the thread rests before it looks again: much less than it takes a worker to hand over a buffer that is not full.
const PAUSE: Duration = Duration::from_millis(5);
/// When so many came at once, so many more might come in a pause that there is no room for them.
const BUFFERS_SOON: usize = BUFFERS_MAX / 8;
/// The thread hands bytes to the system, and now and then says something itself.
const STACK_BYTES: usize = 256 * 1024;
/// Long enough for a sink that takes anything.
const FINISH_TIMEOUT: Duration = Duration::from_millis(500);
/// As long as it takes a reader that reads to make room.
const FULL_PIPE_PAUSE: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, at most three at a time, and is full then.
    struct Scripted {
        room: usize,
        taken: Vec<u8>,
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(3).min(self.room);
            if count == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room -= count;
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_sink_does_not_take_at_once_it_gets_bit_by_bit() {
        let mut sink = Scripted { room: 100, taken: Vec::new() };
        let mut rest = &b"one\ntwo\n"[..];
        give(&mut sink, &mut rest).unwrap();
        assert_eq!((&*sink.taken, rest), (&b"one\ntwo\n"[..], &b""[..]));
    }

    #[test]
    fn what_a_full_sink_has_not_taken_is_left() {
        let mut sink = Scripted { room: 5, taken: Vec::new() };
        let mut rest = &b"one\ntwo\n"[..];
        let error = give(&mut sink, &mut rest).unwrap_err();
        assert_eq!(
            (error.kind(), &*sink.taken, rest),
            (io::ErrorKind::StorageFull, &b"one\nt"[..], &b"wo\n"[..])
        );
    }

    fn lines(count: usize) -> Lines {
        let mut lines = Lines::default();
        for _ in 0..count {
            lines.push(|out| out.extend_from_slice(b"line\n"));
        }
        lines
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_full_disk_does_not_take_is_counted() {
        let sink = Sink::File { path: "/dev/full".into(), rotate_bytes: 1, keep: 1 };
        let hand_over = start(Output::open(&sink).unwrap().unwrap()).unwrap();
        hand_over.give(lines(3));
        hand_over.give(lines(2));
        hand_over.finish();
        assert_eq!(hand_over.dropped_lines(), 5);
    }

    #[test]
    fn nobody_waits_for_a_thread_that_does_not_keep_up() {
        let (messages, received) = sync_channel(BUFFERS_MAX);
        let hand_over = HandOver { messages, shared: Arc::default() };
        for _ in 0..BUFFERS_MAX + 2 {
            hand_over.give(lines(10));
        }
        assert_eq!(hand_over.dropped_lines(), 20);
        drop(received);
        hand_over.give(lines(1));
        assert_eq!(hand_over.dropped_lines(), 21);
    }

    #[test]
    fn a_line_that_was_cut_off_takes_no_other_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let output = Output::File(LogFile::open(path.clone(), 0, 0).unwrap());
        let mut writer = Writer { output, shared: Arc::default(), is_cut: true };
        writer.write(b"one\n");
        writer.write(b"two\n");
        assert_eq!(std::fs::read(path).unwrap(), b"\none\ntwo\n");
    }
}
