//! The notice that somebody changed the records.

use crate::sqlite::DataVersion;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time;

/// How often it is looked whether another process wrote.
///
/// A change made by another process has to be in force within 100 ms (005-SC-002). With 20 ms the wait for the
/// next look takes at most a fifth of that and leaves the rest for loading 10,000 records. An idle process pays
/// 0.5 % of one core for it, measured on a busy machine with two cores (`examples/idle_cost.rs`), where a timer
/// of 20 ms that does nothing costs 0.36 %.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The longest pause between two looks at a database that cannot be read: it is noticed within a second that it can
/// be again, and trying does not burden a machine that is in trouble already.
const POLL_INTERVAL_MAX: Duration = Duration::from_secs(1);

/// Notices of changes, by this process or by another one.
///
/// A write of this process is noticed at once, one of another process within 20 ms. Several changes
/// between two calls are one notice. An unreadable or locked database is no change; when it is back, that is one.
#[derive(Debug)]
pub struct Changes {
    source: DataVersion,
    written: watch::Receiver<()>,
    /// Keeps `written` open after the store itself was dropped.
    _sender: watch::Sender<()>,
    interval: Duration,
}

impl Changes {
    pub(crate) fn new(source: DataVersion, sender: watch::Sender<()>) -> Self {
        Changes { source, written: sender.subscribe(), _sender: sender, interval: POLL_INTERVAL }
    }

    /// Waits until something was changed since the last call, or since the notices were asked for.
    ///
    /// Cancel-safe: a change whose notice was not delivered is delivered by the next call.
    pub async fn changed(&mut self) {
        loop {
            tokio::select! {
                _ = self.written.changed() => {}
                () = time::sleep(self.interval) => {}
            }
            match self.source.moved().await {
                Some(true) => return self.interval = POLL_INTERVAL,
                Some(false) => self.interval = POLL_INTERVAL,
                None => self.interval = (self.interval * 2).min(POLL_INTERVAL_MAX),
            }
        }
    }
}
