//! One connection that looks for changes, for everybody who waits for them.

use super::DataVersion;
use super::database::OpenFile;
use crate::StoreError;
use std::sync::{Arc, Weak};
use tokio::sync::Mutex;

/// Tells whether somebody wrote since it was last asked. All watchers of a database look through the same connection, which is
/// a thread with its stack and its page cache.
#[derive(Debug)]
pub(crate) struct Watcher {
    watched: Arc<Mutex<Watched>>,
    /// Of [`Watched::moves`].
    seen: u64,
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
        let mut place = self.0.lock().await;
        if let Some(watched) = place.upgrade() {
            let seen = watched.lock().await.look().await?;
            return Ok(Watcher { watched, seen });
        }
        let version = DataVersion::connect(Arc::clone(file)).await?;
        let watched = Arc::new(Mutex::new(Watched { version, moves: 0 }));
        *place = Arc::downgrade(&watched);
        Ok(Watcher { watched, seen: 0 })
    }
}

impl Watcher {
    /// Whether somebody wrote since the last look; `None` when the database cannot be asked.
    ///
    /// Cancel-safe: what was not answered is answered at the next look.
    pub(crate) async fn moved(&mut self) -> Option<bool> {
        let moves = self.watched.lock().await.look().await.ok()?;
        Some(std::mem::replace(&mut self.seen, moves) != moves)
    }
}

impl Watched {
    /// How often somebody has written until now.
    async fn look(&mut self) -> Result<u64, StoreError> {
        self.moves += u64::from(self.version.moved().await?);
        Ok(self.moves)
    }
}
