//! The notice that somebody changed the records.

use crate::postgres::Revision;
use crate::sqlite::Watcher;
use std::future;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time;

/// How often it is looked whether another process wrote to a file.
///
/// A change made by another process has to be in force within 100 ms (005-SC-002). With 20 ms the wait for the
/// next look takes at most a fifth of that and leaves the rest for loading 10,000 records. An idle process pays
/// 0.5 % of one core for it, measured on a busy machine with two cores (`examples/idle_cost.rs`), where a timer
/// of 20 ms that does nothing costs 0.36 %.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The pauses between looks at a database that cannot be read: each is twice the one before it. That it can be read
/// again is noticed within about a second, and trying does not burden a machine that is in trouble already.
const RETRY_INTERVAL_MIN: Duration = Duration::from_millis(40);
const RETRY_INTERVAL_MAX: Duration = Duration::from_secs(1);

/// Notices of changes, by this process or by another one.
///
/// A write of this process is noticed at once, one of another process within 20 ms (SQLite) or as soon as its notice
/// arrives (PostgreSQL; should that be lost, within 5 s). Several changes between two calls are one notice. An unreadable or locked database is no change; when it is back, that is one.
#[derive(Debug)]
pub struct Changes {
    source: Source,
    written: watch::Receiver<()>,
    /// Keeps `written` open after the store itself was dropped.
    _sender: watch::Sender<()>,
    /// Until the next look.
    interval: Duration,
}

/// What tells whether somebody wrote.
#[derive(Debug)]
pub(crate) enum Source {
    Sqlite(Watcher),
    Postgres(Revision),
}

impl Changes {
    pub(crate) fn new(source: Source, sender: watch::Sender<()>) -> Self {
        let interval = source.poll_interval();
        Changes { source, written: sender.subscribe(), _sender: sender, interval }
    }

    /// Waits until something was changed since the last call, or since the notices were asked for.
    ///
    /// Cancel-safe: a change whose notice was not delivered is delivered by the next call.
    pub async fn changed(&mut self) {
        loop {
            tokio::select! {
                _ = self.written.changed() => {}
                () = self.source.notified() => {}
                () = time::sleep(self.interval) => {}
            }
            match self.source.moved().await {
                Some(true) => return self.interval = self.source.poll_interval(),
                Some(false) => self.interval = self.source.poll_interval(),
                None => self.interval = self.retry_interval(),
            }
        }
    }

    fn retry_interval(&self) -> Duration {
        if self.interval == self.source.poll_interval() {
            RETRY_INTERVAL_MIN
        } else {
            (self.interval * 2).min(RETRY_INTERVAL_MAX)
        }
    }
}

impl Source {
    /// Waits until there is something to look at. Cancel-safe.
    async fn notified(&mut self) {
        match self {
            Source::Sqlite(_) => future::pending().await,
            Source::Postgres(revision) => revision.notified().await,
        }
    }

    /// Whether somebody wrote since the last look; `None` when that cannot be told.
    async fn moved(&mut self) -> Option<bool> {
        match self {
            Source::Sqlite(watcher) => watcher.moved().await,
            Source::Postgres(revision) => revision.moved().await,
        }
    }

    fn poll_interval(&self) -> Duration {
        match self {
            Source::Sqlite(_) => POLL_INTERVAL,
            Source::Postgres(_) => Revision::POLL_INTERVAL,
        }
    }
}
