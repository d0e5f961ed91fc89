//! One connection that looks for changes, for everybody who waits for them.

use super::DataVersion;
use super::database::OpenFile;
use super::pace::Pace;
use crate::StoreError;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Mutex;

/// How often it is looked whether another process wrote to a file, where the system does not tell.
///
/// A change made by another process has to be in force within 100 ms (005-SC-002). With 20 ms the wait for the
/// next look takes at most a fifth of that and leaves the rest for loading 10,000 records. An idle process pays
/// 0.5 % of one core for it, measured on a busy machine with two cores (`examples/idle_cost.rs`), where a timer
/// of 20 ms that does nothing costs 0.36 %.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Tells whether somebody wrote since it was last asked. All watchers of a database look through the same connection, which is
/// a thread with its stack and its page cache.
#[derive(Debug)]
pub(crate) struct Watcher {
    watched: Arc<Mutex<Watched>>,
    /// Of [`Watched::moves`].
    seen: u64,
    /// Says when to ask.
    pace: Pace,
}

/// Where the connection is found while anybody watches. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Watching(Arc<Mutex<Weak<Mutex<Watched>>>>);

/// What the watchers of a database share.
#[derive(Debug)]
struct Watched {
    version: DataVersion,
    /// How often somebody was found to have written.
    moves: u64,
}

impl Watching {
    /// A watcher of what is written from now on.
    pub(super) async fn watcher(&self, file: &Arc<OpenFile>) -> Result<Watcher, StoreError> {
        // Before the first look, so that no write falls between the two.
        let pace = Pace::of(&file.path, POLL_INTERVAL);
        let mut place = self.0.lock().await;
        if let Some(watched) = place.upgrade() {
            let seen = watched.lock().await.look(pace.is_told()).await?;
            return Ok(Watcher { watched, seen, pace });
        }
        let version = DataVersion::connect(Arc::clone(file)).await?;
        let watched = Arc::new(Mutex::new(Watched { version, moves: 0 }));
        *place = Arc::downgrade(&watched);
        Ok(Watcher { watched, seen: 0, pace })
    }
}

impl Watcher {
    /// Whether somebody wrote since the last look; `None` when the database cannot be asked.
    ///
    /// Cancel-safe: what was not answered is answered at the next look.
    pub(crate) async fn moved(&mut self) -> Option<bool> {
        let moves = self.watched.lock().await.look(self.pace.is_told()).await.ok()?;
        Some(std::mem::replace(&mut self.seen, moves) != moves)
    }

    /// Waits until somebody may have written, if the system tells. Cancel-safe.
    pub(crate) async fn told(&mut self) {
        self.pace.told().await;
    }

    /// How long to wait for that until the next look.
    pub(crate) fn pause(&self) -> Duration {
        self.pace.pause()
    }

    #[cfg(test)]
    pub(crate) fn be_told_nothing(&mut self) {
        self.pace = Pace::polled(POLL_INTERVAL);
    }
}

impl Watched {
    /// How often somebody has written until now.
    async fn look(&mut self, is_told: bool) -> Result<u64, StoreError> {
        self.moves += u64::from(self.version.moved(is_told).await?);
        Ok(self.moves)
    }
}
