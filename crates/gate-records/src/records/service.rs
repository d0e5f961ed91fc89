//! Reading and writing records for somebody who may or may not.

use super::accounts::Hashed;
use super::change::RecordChange;
use super::error::RecordError;
use super::write::{Write, Written};
use super::writing::Writing;
use crate::EnvironmentPolicy;
use crate::Publishing;
use crate::auth::Passwords;
use crate::collections::{PROXIES, SECRETS};
use crate::secrets::Secrets;
use gate_snapshot::UpstreamAddresses;
use gate_store::{PARAMS, Store, StoreError, Transaction};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time;

/// Reads and writes the records of every collection for somebody who may or may not (contract §1.2, §1.3, §1.10).
///
/// Every write, alone or one of a batch, is done in a transaction in which everything it depends on is read: whether a
/// value is unique, whether somebody is the last superuser, what a rule says. When a write of a proxy or a secret has
/// returned, the data plane works with it (005-SC-002). Cheap to clone; all clones are the same service.
#[derive(Clone)]
pub struct Records {
    pub(super) parts: Arc<Parts>,
}

/// What the service is made of.
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) passwords: Passwords,
    pub(super) secrets: Secrets,
    pub(super) environment: EnvironmentPolicy,
    pub(super) upstream_addresses: UpstreamAddresses,
    publishing: Publishing,
    changes: broadcast::Sender<RecordChange>,
}

/// A batch in which something could not be written; nothing of it was.
#[derive(Debug)]
pub struct BatchError {
    /// Which write it was, from 0; `None` when it was none of them.
    pub position: Option<usize>,
    /// Why.
    pub error: RecordError,
}

impl Records {
    /// The service over a store. `environment` has to be what the publisher works with, for its warnings to be true, and
    /// `upstream_addresses` what the data plane does, for it to reach what is saved.
    pub fn new(
        store: Store,
        passwords: Passwords,
        secrets: Secrets,
        environment: EnvironmentPolicy,
        upstream_addresses: UpstreamAddresses,
        publishing: Publishing,
    ) -> Self {
        let changes = broadcast::Sender::new(CHANGES_KEPT);
        let parts = Parts { store, passwords, secrets, environment, upstream_addresses, publishing, changes };
        Records { parts: Arc::new(parts) }
    }

    /// Notices of every write made through this service from now on, once it is durable and in their order. Whoever
    /// falls far behind is told so, and has missed some.
    pub fn changes(&self) -> broadcast::Receiver<RecordChange> {
        self.parts.changes.subscribe()
    }

    /// Makes, changes or deletes one record.
    ///
    /// Cancel-safe: a write that has begun is finished, and its notices are given, whether or not somebody waits.
    pub async fn write(&self, write: Write) -> Result<Written, RecordError> {
        let written = self.write_all(vec![write], None).await.map_err(|failed| failed.error)?;
        written.into_iter().next().ok_or_else(|| RecordError::Internal("nothing was written".to_owned()))
    }

    /// Makes every write in order, or none. What takes longer than `timeout` is undone, but for the commit, which is
    /// waited for.
    ///
    /// Cancel-safe, as [`Records::write`] is.
    pub async fn batch(&self, writes: Vec<Write>, timeout: Duration) -> Result<Vec<Written>, BatchError> {
        self.write_all(writes, Some(timeout)).await
    }

    async fn write_all(
        &self,
        writes: Vec<Write>,
        timeout: Option<Duration>,
    ) -> Result<Vec<Written>, BatchError> {
        let parts = Arc::clone(&self.parts);
        // On its own: a caller who goes away after the commit must not take the notices with them.
        let writing = tokio::spawn(async move { parts.write_all(&writes, timeout).await });
        writing.await.unwrap_or_else(|error| {
            let error = RecordError::Internal(format!("a write ended early: {error}"));
            Err(BatchError { position: None, error })
        })
    }
}

impl Parts {
    async fn write_all(
        &self,
        writes: &[Write],
        timeout: Option<Duration>,
    ) -> Result<Vec<Written>, BatchError> {
        let doing = self.apply_all(writes);
        let (transaction, written) = match timeout {
            None => doing.await?,
            Some(timeout) => match time::timeout(timeout, doing).await {
                Ok(done) => done?,
                Err(_) => return Err(BatchError { position: None, error: self.why_late().await }),
            },
        };
        let failed = |error| BatchError { position: None, error: RecordError::Store(error) };
        transaction.commit().await.map_err(failed)?;
        if writes.iter().any(|write| [&PROXIES.id, &SECRETS.id].contains(&&write.collection.id)) {
            self.publishing.published().await;
        }
        for written in &written {
            // Nobody listens: nobody has to be told.
            let _ = self.changes.send(written.change.clone());
        }
        Ok(written)
    }

    /// A batch that waited for a database that is away was not itself too long.
    async fn why_late(&self) -> RecordError {
        match time::timeout(ANSWER_TIMEOUT, self.store.count(&PARAMS)).await {
            Ok(Ok(_)) => RecordError::TimedOut,
            Ok(Err(error)) => RecordError::Store(error),
            Err(_) => RecordError::Store(StoreError::Busy),
        }
    }

    async fn apply_all(&self, writes: &[Write]) -> Result<(Transaction, Vec<Written>), BatchError> {
        let mut hashed: Vec<Hashed> = Vec::with_capacity(writes.len());
        for (position, write) in writes.iter().enumerate() {
            let failed = |error| BatchError { position: Some(position), error };
            hashed.push(write.prepare(self).await.map_err(failed)?);
        }
        let failed = |error| BatchError { position: None, error: RecordError::Store(error) };
        let mut transaction = self.store.begin().await.map_err(failed)?;
        let mut written = Vec::with_capacity(writes.len());
        for (position, (write, hashed)) in writes.iter().zip(&hashed).enumerate() {
            let mut writing = Writing { write, parts: self, transaction: &mut transaction, hashed };
            let failed = |error| BatchError { position: Some(position), error };
            written.push(writing.apply().await.map_err(failed)?);
        }
        Ok((transaction, written))
    }
}

/// Counting a handful of rows takes a database that is there no second.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// More than the largest batch several times over; a listener that is further behind than this reads everything anew.
const CHANGES_KEPT: usize = 1024;
