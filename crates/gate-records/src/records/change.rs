//! The notice that a record was written.

use super::record::Record;

/// One write that is durable: what clients of the realtime API are told of (contract §1.9).
#[derive(Clone, Debug)]
pub struct RecordChange {
    /// The record as it was; `None` when it is new.
    pub before: Option<Record>,
    /// The record as it is; `None` when it was deleted.
    pub after: Option<Record>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Create,
    /// It is different.
    Update,
    /// It is gone.
    Delete,
}

impl RecordChange {
    /// What became of it.
    pub fn action(&self) -> Action {
        match (&self.before, &self.after) {
            (_, None) => Action::Delete,
            (None, Some(_)) => Action::Create,
            (Some(_), Some(_)) => Action::Update,
        }
    }

    /// The record as it is, or as it was if it is gone.
    pub fn record(&self) -> Option<&Record> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

impl Action {
    /// The word clients are told.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
        }
    }
}
