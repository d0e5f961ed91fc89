//! Reading whose token it is from the database of a PocketBase (contract §1.7).

use super::handed_out::{HandedOut, RecordKey};
use super::{Identity, Unavailable};
use crate::auth::{Claims, SigningKey, TokenKind, UnverifiedToken};
use crate::records::AuthRecord;
use gate_store::{PocketBaseAccount, PocketBaseDatabase, StoreError};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};
use tokio::time;

/// Verifies the tokens of a PocketBase with what is in its database, which is on this machine and only read.
///
/// Unlike a PocketBase that has to be asked, it knows at once what was revoked, and every field of a record.
#[derive(Debug)]
pub(super) struct SharedDatabase {
    database: PocketBaseDatabase,
    /// Whether its superusers are superusers here.
    trust_superusers: bool,
    handed_out: HandedOut,
}

impl SharedDatabase {
    pub(super) fn new(database: PocketBaseDatabase, trust_superusers: bool, epoch: Arc<AtomicU64>) -> Self {
        SharedDatabase { database, trust_superusers, handed_out: HandedOut::new(epoch) }
    }

    /// Whose token this is. Cancel-safe.
    pub(super) async fn authenticate(&self, token: &str) -> Result<Option<Identity>, Unavailable> {
        let found = self.find(token).await;
        found.map_err(|error| {
            tracing::warn!(%error, "PocketBase's database cannot be asked whose token it is");
            Unavailable
        })
    }

    async fn find(&self, token: &str) -> Result<Option<Identity>, StoreError> {
        loop {
            let Ok(unverified) = UnverifiedToken::parse(token, SystemTime::now()) else { return Ok(None) };
            let Claims { collection_id, id, .. } = unverified.claims().clone();
            let look = self.handed_out.look();
            let account = self.database.reader().await?.account(&collection_id, &id).await?;
            let Some(account) = account else { return Ok(None) };
            let Some(claims) = verified(unverified, &account) else { return Ok(None) };
            let key = RecordKey { collection_id, id };
            if self.handed_out.remember(look, key, &account) {
                let PocketBaseAccount { collection, values, .. } = account;
                let id = &claims.collection_id;
                let record = AuthRecord::remote(id, &collection, values, self.trust_superusers);
                return Ok(Some(Identity { record, expires_at: claims.expires_at() }));
            }
        }
    }

    /// Watches the records of those whose identities were given out. Never ends. Cancel-safe.
    pub(super) async fn watch(&self) -> Infallible {
        let mut changes = self.database.changes();
        loop {
            changes.changed().await;
            let mut is_first = true;
            while let Err(error) = self.look_again().await {
                self.handed_out.unreadable(&error, is_first).await;
                is_first = false;
            }
            // A PocketBase that is written to all the time does not keep us busy all the time.
            time::sleep(PAUSE).await;
        }
    }

    async fn look_again(&self) -> Result<(), StoreError> {
        let keys = self.handed_out.look_again();
        if keys.is_empty() {
            return Ok(());
        }
        let mut reader = self.database.reader().await?;
        for key in keys {
            let account = reader.account(&key.collection_id, &key.id).await?;
            self.handed_out.compare(&key, account.as_ref());
        }
        Ok(())
    }
}

fn verified(token: UnverifiedToken<'_>, account: &PocketBaseAccount) -> Option<Claims> {
    let key = SigningKey::new(&account.token_key, &account.secret).ok()?;
    token.verify(&key).ok().filter(|claims| claims.kind == TokenKind::Auth)
}

/// Together with the look before it well below the second in which a revoked token has to be refused.
const PAUSE: Duration = Duration::from_millis(300);
