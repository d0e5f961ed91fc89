//! Why records are neither shown nor written.

use crate::FieldErrors;
use crate::auth::PasswordError;
use gate_rules::RuleError;
use gate_store::StoreError;

/// Why records are neither shown nor written. Nothing was written. Where PocketBase has a sentence for it, that is the
/// text (contract §1.2, §1.3).
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The collection's rule for this is for superusers alone.
    #[error("Only superusers can perform this action.")]
    OnlySuperusers,
    /// A filter or an order reaches for the request, which could be used to read what rules hide.
    #[error("Only superusers can filter by {0}")]
    RequestInFilter(&'static str),
    /// A filter or an order that cannot be read, or that names what this caller may not see.
    #[error("the list cannot be made: {0}")]
    BadList(String),
    /// No such record, or none this caller may know of.
    #[error("there is no such record")]
    NotFound,
    /// The record cannot be made: no errors when the collection's rule forbids it.
    #[error("Failed to create record.")]
    NotCreated(FieldErrors),
    /// The record cannot be changed like this.
    #[error("Failed to update record.")]
    NotUpdated(FieldErrors),
    /// Without a superuser nobody could do anything any more.
    #[error("You can't delete the only existing superuser.")]
    LastSuperuser,
    /// The record is not as the caller last saw it (contract D-13).
    #[error("The record was changed by someone else in the meantime.")]
    Stale,
    /// Too many passwords wait to be hashed; in a second or two there is room again.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// There is no master key, so secrets can be neither read nor written.
    #[error("there is no master key")]
    SecretsDisabled,
    /// A batch took longer than it may.
    #[error("the batch took too long")]
    TimedOut,
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something of ours went wrong; for the log.
    #[error("{0}")]
    Internal(String),
}

/// Of a filter or an order that somebody typed.
impl From<RuleError> for RecordError {
    fn from(error: RuleError) -> Self {
        RecordError::BadList(error.to_string())
    }
}

impl From<PasswordError> for RecordError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => RecordError::Busy,
            error => RecordError::Internal(error.to_string()),
        }
    }
}
