//! Where identities come from, one after the other.

use super::handed_out::HandedOut;
use super::{Identity, Introspection, Unavailable};
use crate::auth::Authenticator;
use gate_store::{Changes, StoreError};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::time;

/// Says whose token it is. Cheap to clone.
///
/// Our own records are asked first, then a PocketBase, if there is one: both have the same collection ids, and only
/// whoever signed a token can tell (contract §1.7).
#[derive(Clone, Debug)]
pub struct Identities {
    authenticator: Authenticator,
    introspection: Option<Arc<Introspection>>,
    handed_out: Arc<HandedOut>,
}

impl Identities {
    /// Those of our own records.
    pub fn new(authenticator: Authenticator) -> Self {
        Identities { authenticator, introspection: None, handed_out: Arc::new(HandedOut::new()) }
    }

    /// Those of a PocketBase as well.
    #[must_use]
    pub fn with_introspection(self, introspection: Introspection) -> Self {
        Identities { introspection: Some(Arc::new(introspection)), ..self }
    }

    /// Whose token this is; `None` = nobody's.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`Unavailable`] when those who may know cannot be asked.
    pub async fn authenticate(&self, token: &str) -> Result<Option<Identity>, Unavailable> {
        let local = self.local(token).await.map_err(|error| {
            tracing::warn!(%error, "a token cannot be checked");
            Unavailable
        })?;
        match (local, &self.introspection) {
            (None, Some(introspection)) => introspection.authenticate(token).await,
            (local, _) => Ok(local),
        }
    }

    /// Goes up within a second after a record changed whose identity was given out: whoever remembers identities
    /// forgets them all then. What a PocketBase says is not watched; it has to be asked again when
    /// [`Identity::expires_at`] comes.
    pub fn epoch(&self) -> Arc<AtomicU64> {
        Arc::clone(self.handed_out.epoch())
    }

    /// Notices of changes, to be taken before the first identity is given out.
    pub async fn changes(&self) -> Result<Changes, StoreError> {
        self.authenticator.store().changes().await
    }

    /// Watches the records of those whose identities were given out. Never ends. Cancel-safe.
    pub async fn watch(self, mut changes: Changes) -> Infallible {
        loop {
            changes.changed().await;
            while let Err(error) = self.handed_out.look_again(self.authenticator.store()).await {
                // Nobody knows who is still who they were.
                tracing::warn!(%error, "the records of known callers cannot be read again");
                self.handed_out.alarm();
                time::sleep(RETRY_INTERVAL).await;
            }
        }
    }

    async fn local(&self, token: &str) -> Result<Option<Identity>, StoreError> {
        loop {
            let look = self.handed_out.look();
            let Some(known) = self.authenticator.authenticate(token).await? else { return Ok(None) };
            if self.handed_out.remember(look, &known.row) {
                let expires_at = known.claims.expires_at();
                return Ok(Some(Identity { record: known.record, expires_at }));
            }
        }
    }
}

/// How often it is tried while the store cannot be read.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
