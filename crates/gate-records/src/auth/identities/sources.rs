//! Where identities come from, one after the other.

use super::handed_out::{HandedOut, RecordKey};
use super::{Identity, Introspection, SharedDatabase, Unavailable};
use crate::auth::Authenticator;
use crate::collections::Collection;
use gate_store::{Changes, PocketBaseDatabase, StoreError};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Says whose token it is. Cheap to clone.
///
/// Our own records are asked first, then a PocketBase, if there is one: both have the same collection ids, and only
/// whoever signed a token can tell (contract §1.7).
#[derive(Clone, Debug)]
pub struct Identities {
    authenticator: Authenticator,
    pocketbase: Option<PocketBase>,
    handed_out: Arc<HandedOut>,
}

/// How a PocketBase is asked.
#[derive(Clone, Debug)]
enum PocketBase {
    Introspection(Arc<Introspection>),
    Database(Arc<SharedDatabase>),
}

impl Identities {
    /// Those of our own records.
    pub fn new(authenticator: Authenticator) -> Self {
        Identities { authenticator, pocketbase: None, handed_out: Arc::new(HandedOut::new(Arc::default())) }
    }

    /// Those of a PocketBase as well, which is asked.
    #[must_use]
    pub fn with_introspection(self, introspection: Introspection) -> Self {
        Identities { pocketbase: Some(PocketBase::Introspection(Arc::new(introspection))), ..self }
    }

    /// Those of a PocketBase as well, whose database is read. `trust_superusers`: its superusers are superusers here.
    #[must_use]
    pub fn with_database(self, database: PocketBaseDatabase, trust_superusers: bool) -> Self {
        let database = SharedDatabase::new(database, trust_superusers, self.epoch());
        Identities { pocketbase: Some(PocketBase::Database(Arc::new(database))), ..self }
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
        match (local, &self.pocketbase) {
            (None, Some(PocketBase::Introspection(introspection))) => introspection.authenticate(token).await,
            (None, Some(PocketBase::Database(database))) => database.authenticate(token).await,
            (local, _) => Ok(local),
        }
    }

    /// Goes up within a second after a record changed whose identity was given out: whoever remembers identities
    /// forgets them all then. What a PocketBase says when it is asked is not watched; it has to be asked again when
    /// [`Identity::expires_at`] comes.
    pub fn epoch(&self) -> Arc<AtomicU64> {
        Arc::clone(self.handed_out.epoch())
    }

    /// Notices of changes, to be taken before the first identity is given out.
    pub async fn changes(&self) -> Result<Changes, StoreError> {
        self.authenticator.store().changes().await
    }

    /// Watches the records of those whose identities were given out. Never ends. Cancel-safe.
    pub async fn watch(self, changes: Changes) -> Infallible {
        match &self.pocketbase {
            Some(PocketBase::Database(database)) => tokio::select! {
                never = self.watch_local(changes) => never,
                never = database.watch() => never,
            },
            _ => self.watch_local(changes).await,
        }
    }

    async fn watch_local(&self, mut changes: Changes) -> Infallible {
        loop {
            changes.changed().await;
            let mut is_first = true;
            while let Err(error) = self.look_again().await {
                self.handed_out.unreadable(&error, is_first).await;
                is_first = false;
            }
        }
    }

    async fn look_again(&self) -> Result<(), StoreError> {
        for key in self.handed_out.look_again() {
            let Some(collection) = Collection::find(&key.collection_id) else { continue };
            let row = self.authenticator.store().find(collection.table(), "id", key.id.as_str()).await?;
            self.handed_out.compare(&key, row.as_ref());
        }
        Ok(())
    }

    async fn local(&self, token: &str) -> Result<Option<Identity>, StoreError> {
        loop {
            let look = self.handed_out.look();
            let Some(known) = self.authenticator.authenticate(token).await? else { return Ok(None) };
            let (collection_id, id) = (known.record.collection_id().to_owned(), known.record.id().to_owned());
            if self.handed_out.remember(look, RecordKey { collection_id, id }, &known.row) {
                let expires_at = known.claims.expires_at();
                return Ok(Some(Identity { record: known.record, expires_at }));
            }
        }
    }
}
