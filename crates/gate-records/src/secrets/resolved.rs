//! The values of secrets for those who compile templates.

use super::{BlobError, SecretValue};
use std::collections::HashMap;

/// The value of every secret a template may name, or why it has none, at one moment.
#[derive(Debug, Default, PartialEq)]
pub struct ResolvedSecrets(HashMap<String, Result<SecretValue, Unresolvable>>);

/// Why a template gets no value for the name of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolvable {
    /// There is no such secret, neither in the gateway's environment nor in `global`.
    #[error("is not among the secrets")]
    Unknown,
    /// There is no master key.
    #[error("cannot be read without a master key")]
    Disabled,
    /// It cannot be decrypted.
    #[error("{0}")]
    Unreadable(BlobError),
    /// A line break or another control character must never get into a header.
    #[error("holds a control character")]
    ControlCharacter,
}

impl ResolvedSecrets {
    /// The value of a name.
    pub fn value(&self, name: &str) -> Result<&SecretValue, Unresolvable> {
        match self.0.get(name) {
            Some(outcome) => outcome.as_ref().map_err(|reason| *reason),
            None => Err(Unresolvable::Unknown),
        }
    }

    /// Names and their values.
    #[cfg(test)]
    pub(crate) fn of<const N: usize>(values: [(&str, &str); N]) -> Self {
        Self(values.map(|(name, value)| (name.to_owned(), Ok(SecretValue::new(value)))).into())
    }

    pub(super) fn insert(&mut self, name: &str, outcome: Result<SecretValue, Unresolvable>) {
        self.0.insert(name.to_owned(), outcome);
    }
}
