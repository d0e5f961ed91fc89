//! Whether somebody wrote to the database: told by a notice of the one who did, and by a number in case that is lost.

use super::connect;
use sqlx::postgres::{PgConnectOptions, PgListener};
use std::future;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// How often the number is read although nobody gave notice: what is lost is found within 5 s (robustness: NOTIFY).
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// How long the number may take to come. A connection that nobody is at the other end of any more is given up then.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// What those who write give notice on.
const CHANNEL: &str = "pocketgate";

/// Watches the revision, a number that every transaction which writes counts up.
///
/// Has one connection of its own, on which it is told and on which it asks. When that is lost it connects anew at the
/// next look, and takes it that something was written in the meantime.
#[derive(Debug)]
pub(crate) struct Revision {
    options: Arc<PgConnectOptions>,
    /// `None` after a failure: the next look connects anew.
    listener: Option<PgListener>,
    /// The number at the last reading; `None` after an outage, in which nobody knows what happened.
    seen: Option<i64>,
    /// Whether the last look failed; an outage is logged once, not at every look.
    failing: bool,
}

impl Revision {
    pub(crate) const POLL_INTERVAL: Duration = POLL_INTERVAL;

    /// Watches from now on. When the database is away, its return counts as a change.
    pub(super) async fn watch(options: Arc<PgConnectOptions>) -> Self {
        let mut revision = Self::watch_later(options);
        revision.moved().await;
        revision
    }

    /// Watches a database that is away from when it is back, which counts as a change.
    pub(super) fn watch_later(options: Arc<PgConnectOptions>) -> Self {
        Revision { options, listener: None, seen: None, failing: false }
    }

    /// Whether it has a connection to watch through.
    pub(crate) fn is_connected(&self) -> bool {
        self.listener.is_some()
    }

    /// Waits for a notice, or for the connection to end. Cancel-safe.
    pub(crate) async fn notified(&mut self) {
        let Some(listener) = &mut self.listener else { return future::pending().await };
        if !matches!(listener.try_recv().await, Ok(Some(_))) {
            self.listener = None;
        }
    }

    /// Whether somebody wrote since the last look; `None` when the database cannot be asked.
    ///
    /// Cancel-safe: what was not answered is answered at the next look.
    pub(crate) async fn moved(&mut self) -> Option<bool> {
        match connect::within(ANSWER_TIMEOUT, self.read()).await {
            Ok(number) => {
                self.note_recovery();
                Some(self.seen.replace(number) != Some(number))
            }
            Err(error) => {
                self.note_failure(&error);
                None
            }
        }
    }

    async fn read(&mut self) -> sqlx::Result<i64> {
        let listener = match &mut self.listener {
            Some(listener) => listener,
            none => {
                self.seen = None;
                none.insert(listen(&self.options).await?)
            }
        };
        sqlx::query_scalar(r#"SELECT "revision" FROM "_pocketgate""#).fetch_one(listener).await
    }

    fn note_failure(&mut self, error: &sqlx::Error) {
        self.listener = None;
        if !self.failing {
            warn!(%error, "the database cannot be watched for changes");
        }
        self.failing = true;
    }

    fn note_recovery(&mut self) {
        if self.failing {
            info!("the database is watched for changes again");
        }
        self.failing = false;
    }
}

/// A listener has a pool of its own each time: one that was lost may keep its connection for as long as it likes.
async fn listen(options: &PgConnectOptions) -> sqlx::Result<PgListener> {
    let mut listener = PgListener::connect_with(&connect::pool(options, 1)).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
