//! Both ends of what the workers see of the access log.

use super::config::{AccessLogConfig, Sink};
use super::entry::AccessEntry;
use super::excerpt::{Excerpt, TakeEntry};
use super::json::push_json;
use super::lines::Lines;
use super::mask::{SENSITIVE_PARAMETERS, Sensitive};
use super::sample::Sample;
use super::text::push_text;
use super::timestamp::Timestamps;
use super::writer::HandOver;
use crate::exposition::families::CONTROL_PLANE;
use crate::log::Format;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// The access log of the process. Cheap to clone; all clones are the same log.
#[derive(Clone, Debug)]
pub struct AccessLogs {
    /// None when it is off.
    hand_over: Option<HandOver>,
    is_on_stderr: bool,
    format: Format,
    sample: Sample,
    sensitive: Arc<Sensitive>,
    /// Who else gets some of the entries.
    excerpt: Option<Excerpt>,
}

/// A worker's end of the access log: collects lines in a buffer of its own and hands the buffer over when it is full or the
/// worker's clock ticks. Never blocks: a buffer for which there is no room is dropped, and its lines are counted.
#[derive(Debug)]
pub struct AccessLog {
    log: AccessLogs,
    pending: RefCell<Pending>,
    /// Entries that were not given away since the last tick.
    left_out: Cell<u64>,
}

/// What was written and not yet handed over. Holds no memory while there is nothing.
#[derive(Debug, Default)]
struct Pending {
    lines: Lines,
    timestamps: Timestamps,
}

impl AccessLogs {
    /// A log to which nothing is written.
    pub fn off() -> Self {
        AccessLogs::with(
            &AccessLogConfig {
                sink: Sink::Off,
                format: Format::default(),
                sample_successes: 1.0,
                sensitive_parameters: Vec::new(),
            },
            None,
        )
    }

    /// A log that is set up so and whose sink, unless it is off, is at the other end of `hand_over`.
    pub(super) fn with(config: &AccessLogConfig, hand_over: Option<HandOver>) -> Self {
        let more = config.sensitive_parameters.iter().map(|name| &**name);
        AccessLogs {
            hand_over,
            is_on_stderr: config.sink == Sink::Stderr,
            format: config.format,
            sample: Sample::new(config.sample_successes),
            sensitive: Arc::new(Sensitive::new(SENSITIVE_PARAMETERS.into_iter().chain(more))),
            excerpt: None,
        }
    }

    /// The same log, which also gives some entries of every second to `take`: at most 50, of which at most 20 are successes, and none
    /// about the control plane, which has its own to say. A log that is off gives none.
    #[must_use]
    pub fn with_excerpt(mut self, take: TakeEntry) -> Self {
        self.excerpt = Some(Excerpt::new(take));
        self
    }

    /// One worker's end of it.
    pub fn worker(&self) -> AccessLog {
        AccessLog { log: self.clone(), pending: RefCell::default(), left_out: Cell::default() }
    }

    /// How many lines were dropped since the start, because the sink did not take them in time or at all.
    pub fn dropped_lines(&self) -> u64 {
        self.hand_over.as_ref().map_or(0, HandOver::dropped_lines)
    }

    /// How many entries were not given away since the start: more were in their second than somebody can look at. A tenth of a second
    /// behind.
    pub fn left_out(&self) -> u64 {
        self.excerpt.as_ref().map_or(0, Excerpt::left_out)
    }

    /// Opens the file anew before anything else is written to it: it was renamed, or deleted.
    pub fn reopen(&self) {
        if let Some(hand_over) = &self.hand_over {
            hand_over.reopen();
        }
    }

    /// Waits until everything handed over so far has been written, but no longer than a moment. For the end of the process.
    pub fn finish(&self) {
        if let Some(hand_over) = &self.hand_over {
            hand_over.finish();
        }
    }

    /// Appends a target with the values of sensitive parameters masked.
    pub fn mask_target(&self, target: &[u8], out: &mut Vec<u8>) {
        self.sensitive.mask(target, out);
    }
}

impl AccessLog {
    /// Whether anything is written at all; when not, there is no need to put an entry together.
    pub fn is_on(&self) -> bool {
        self.log.hand_over.is_some()
    }

    /// Whether its lines are where the log is, so that what they say need not be said there again.
    pub fn is_on_stderr(&self) -> bool {
        self.log.is_on_stderr
    }

    /// Writes the line of a request that has ended, unless it is a success that the sample leaves out.
    pub fn write(&self, entry: &AccessEntry<'_>) {
        if !self.is_on() {
            return;
        }
        if !entry.is_success() || self.log.sample.has(entry.request_id.as_bytes()) {
            self.write_line(entry);
        }
        self.excerpt(entry);
    }

    fn write_line(&self, entry: &AccessEntry<'_>) {
        let mut pending = self.pending.borrow_mut();
        let Pending { lines, timestamps } = &mut *pending;
        lines.push(|out| match self.log.format {
            Format::Json => push_json(out, entry, timestamps),
            Format::Text => push_text(out, entry, timestamps),
        });
        if lines.are_many() {
            self.hand_over(lines);
        }
    }

    /// Hands over what was written. For the tick of the worker's clock, and its end.
    pub fn flush(&self) {
        self.hand_over(&mut self.pending.borrow_mut().lines);
        if let Some(excerpt) = &self.log.excerpt
            && self.left_out.get() > 0
        {
            excerpt.leave_out(self.left_out.take());
        }
    }

    /// Appends a target with the values of sensitive parameters masked.
    pub fn mask_target(&self, target: &[u8], out: &mut Vec<u8>) {
        self.log.mask_target(target, out);
    }

    fn excerpt(&self, entry: &AccessEntry<'_>) {
        if let Some(excerpt) = &self.log.excerpt
            && !(entry.proxy == CONTROL_PLANE && entry.proxy_id.is_empty())
            && !excerpt.offer(entry)
        {
            self.left_out.set(self.left_out.get() + 1);
        }
    }

    fn hand_over(&self, lines: &mut Lines) {
        if let Some(hand_over) = &self.log.hand_over
            && !lines.is_empty()
        {
            hand_over.give(std::mem::take(lines));
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::{completed, failed};
    use super::*;
    use crate::Reason;
    use std::fs;
    use std::sync::Mutex;

    fn to_file(sample_successes: f64) -> (tempfile::TempDir, AccessLogs, impl Fn() -> Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.log");
        let sink = Sink::File { path: path.clone(), rotate_bytes: 0, keep: 0 };
        let config = AccessLogConfig {
            sink,
            format: Format::Json,
            sample_successes,
            sensitive_parameters: vec!["mine".into()],
        };
        let logs = config.start().unwrap();
        let lines = move || fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
        (directory, logs, lines)
    }

    #[test]
    fn every_worker_writes_whole_lines() {
        let (_directory, logs, lines) = to_file(1.0);
        let workers = [logs.worker(), logs.worker()];
        for _ in 0..100 {
            for worker in &workers {
                worker.write(&completed());
            }
        }
        drop(workers);
        logs.finish();
        let lines = lines();
        assert_eq!(lines.len(), 200);
        assert!(lines.iter().all(|line| line.starts_with("{\"time\":\"2026") && line.ends_with("null}")));
        assert_eq!(logs.dropped_lines(), 0);
    }

    #[test]
    fn a_file_that_was_renamed_is_opened_anew_when_told() {
        let (directory, logs, lines) = to_file(1.0);
        let worker = logs.worker();
        let write = || {
            worker.write(&completed());
            worker.flush();
            logs.finish();
        };
        write();
        fs::rename(directory.path().join("access.log"), directory.path().join("taken")).unwrap();
        logs.reopen();
        write();
        assert_eq!(lines().len(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_told_at_the_start() {
        let sink = Sink::File { path: "/nowhere/access.log".into(), rotate_bytes: 0, keep: 0 };
        let config = AccessLogConfig {
            sink,
            format: Format::Json,
            sample_successes: 1.0,
            sensitive_parameters: Vec::new(),
        };
        let error = config.start().unwrap_err().to_string();
        assert!(error.starts_with("the access log /nowhere/access.log cannot be opened: "), "{error}");
    }

    #[test]
    fn lines_are_written_at_the_tick() {
        let (_directory, logs, lines) = to_file(1.0);
        let worker = logs.worker();
        worker.write(&completed());
        logs.finish();
        assert!(lines().is_empty());
        worker.flush();
        logs.finish();
        assert_eq!(lines().len(), 1);
    }

    #[test]
    fn failures_are_written_whatever_the_sample() {
        let (_directory, logs, lines) = to_file(0.0);
        let worker = logs.worker();
        worker.write(&completed());
        worker.write(&failed(&"refused"));
        worker.write(&AccessEntry { status: 404, ..completed() });
        worker.write(&AccessEntry { reason: Reason::ClientClosed, ..completed() });
        drop(worker);
        logs.finish();
        assert_eq!(lines().len(), 3);
    }

    #[test]
    fn some_entries_are_given_away_whatever_the_sample() {
        let (_directory, logs, lines) = to_file(0.0);
        let given = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&given);
        let take = move |entry: &AccessEntry<'_>| taken.lock().unwrap().push(entry.status);
        let logs = logs.with_excerpt(Arc::new(take));
        let worker = logs.worker();
        for _ in 0..100 {
            worker.write(&completed());
            worker.write(&failed(&"refused"));
        }
        drop(worker);
        logs.finish();
        let given = given.lock().unwrap();
        assert_eq!((given.len(), given.iter().filter(|status| **status == 502).count()), (50, 30));
        assert_eq!((logs.left_out(), lines().len()), (150, 100));
    }

    #[test]
    fn a_log_that_is_off_writes_nothing_and_still_masks() {
        let logs = AccessLogs::off();
        let worker = logs.worker();
        assert!(!worker.is_on());
        worker.write(&completed());
        worker.flush();
        let mut out = Vec::new();
        worker.mask_target(b"/a?token=canary", &mut out);
        assert_eq!(out, b"/a?token=***");
    }

    #[test]
    fn h28_parameters_can_be_masked_besides_the_usual_ones() {
        let (_directory, logs, _) = to_file(1.0);
        let mut out = Vec::new();
        logs.mask_target(b"/a?mine=canary&token=canary&x=1", &mut out);
        assert_eq!(out, b"/a?mine=***&token=***&x=1");
    }
}
