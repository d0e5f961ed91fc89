//! The half of every signing key that belongs to a collection.

use crate::collections::{Autogenerate, Collection};
use crate::timestamp::Timestamp;
use gate_store::{PARAMS, Row, Store, StoreError};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// The secret of each auth collection: one half of the key its tokens are signed with, the other half being the
/// `tokenKey` of the record (contract §1.6). Kept in the store, where PocketBase has them in `_collections`.
pub(super) struct TokenSecrets(BTreeMap<String, Zeroizing<String>>);

impl TokenSecrets {
    /// Reads the secrets; makes those that are missing.
    pub(super) async fn open(store: &Store) -> Result<Self, StoreError> {
        if let Some(secrets) = store.find(&PARAMS, "id", ROW).await?.as_ref().and_then(Self::of) {
            return Ok(secrets);
        }
        let mut transaction = store.begin().await?;
        // Somebody else may have been first.
        let found = transaction.find(&PARAMS, "id", ROW).await?;
        if let Some(secrets) = found.as_ref().and_then(Self::of) {
            return Ok(secrets);
        }
        let secrets = Self::completed(found.as_ref());
        match found {
            Some(row) => transaction.update(&secrets.written_to(row), None).await?,
            None => {
                let row = Row::new(&PARAMS).with("id", ROW).with("created", Timestamp::now().to_string());
                transaction.insert(&secrets.written_to(row)).await?;
            }
        }
        transaction.commit().await?;
        Ok(secrets)
    }

    /// The secret of a collection.
    pub(super) fn secret(&self, collection: &Collection) -> &str {
        self.0.get(&collection.id).map_or("", |secret| secret)
    }

    /// The secrets in a row, if it has one for every auth collection.
    fn of(row: &Row) -> Option<Self> {
        let secrets = Self::read(row);
        auth_collections().all(|collection| secrets.0.contains_key(&collection.id)).then_some(secrets)
    }

    fn completed(row: Option<&Row>) -> Self {
        let mut secrets = row.map_or_else(|| TokenSecrets(BTreeMap::new()), Self::read);
        for collection in auth_collections() {
            let secret = || Zeroizing::new(Autogenerate::TokenKey.make());
            secrets.0.entry(collection.id.clone()).or_insert_with(secret);
        }
        secrets
    }

    fn read(row: &Row) -> Self {
        let secrets: BTreeMap<String, String> =
            row.json("value").and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        TokenSecrets(secrets.into_iter().map(|(id, secret)| (id, Zeroizing::new(secret))).collect())
    }

    fn written_to(&self, row: Row) -> Row {
        let secrets: BTreeMap<&str, &str> =
            self.0.iter().map(|(id, secret)| (id.as_str(), secret.as_str())).collect();
        let json = serde_json::to_string(&secrets).unwrap_or_default();
        let updated = Timestamp::now_after(row.text("updated")).to_string();
        row.with("value", json).with("updated", updated)
    }
}

impl fmt::Debug for TokenSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn auth_collections() -> impl Iterator<Item = &'static Collection> {
    Collection::all().into_iter().filter(|collection| collection.is_auth())
}

/// The row of `_params` they are in.
const ROW: &str = "tokenSecrets";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::{SUPERUSERS, USERS};

    #[tokio::test]
    async fn secrets_are_made_once_and_are_different_for_each_collection() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).await.unwrap();
        let first = TokenSecrets::open(&store).await.unwrap();
        let second = TokenSecrets::open(&store).await.unwrap();
        assert_eq!(first.secret(&USERS), second.secret(&USERS));
        assert_eq!(first.secret(&USERS).len(), 50);
        assert_ne!(first.secret(&USERS), first.secret(&SUPERUSERS));
        assert!(!format!("{first:?}").contains(first.secret(&USERS)));
    }

    #[tokio::test]
    async fn what_is_missing_is_made_and_the_rest_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).await.unwrap();
        let kept = "k".repeat(50);
        let row = Row::new(&PARAMS).with("id", ROW).with("value", format!(r#"{{"{}":"{kept}"}}"#, USERS.id));
        let mut transaction = store.begin().await.unwrap();
        transaction.insert(&row).await.unwrap();
        transaction.commit().await.unwrap();
        let secrets = TokenSecrets::open(&store).await.unwrap();
        assert_eq!(secrets.secret(&USERS), kept);
        assert_eq!(secrets.secret(&SUPERUSERS).len(), 50);
        assert_eq!(
            TokenSecrets::open(&store).await.unwrap().secret(&SUPERUSERS),
            secrets.secret(&SUPERUSERS)
        );
    }
}
