//! What is special about the records of `_secrets`: values are only ever written (contract D-9).

use super::error::RecordError;
use super::record::Record;
use crate::secrets::{NewSecret, SecretChange, SecretError, SecretValue, Secrets};
use crate::{FieldError, FieldErrors};

/// Makes sure of a secret and encrypts its value; `value` says whether the body has one.
pub(super) fn seal(
    secrets: &Secrets,
    record: &mut Record,
    before: Option<&Record>,
    value: bool,
) -> Result<(), SecretError> {
    if let Some(before) = before {
        check_owner(record, before)?;
    } else if record.text("env").is_empty() {
        record.set("env", secrets.default_env());
    }
    if !value && before.is_some() {
        let description = Some(record.text("description").to_owned());
        return secrets.check_change(&SecretChange { value: None, description });
    }
    let sealed = secrets.seal(&NewSecret {
        key: record.text("key").to_owned(),
        value: SecretValue::new(record.text("value")),
        env: Some(record.text("env").to_owned()),
        description: record.text("description").to_owned(),
    })?;
    record.set("value", sealed);
    Ok(())
}

/// Puts in what may be shown of the value.
pub(super) fn mask(secrets: &Secrets, record: &mut Record) -> Result<(), SecretError> {
    let masked = secrets.masked(&record.to_row())?;
    record.set("masked_value", masked);
    Ok(())
}

/// A value is bound to its key and environment: another one of them would make it another secret.
fn check_owner(record: &Record, before: &Record) -> Result<(), SecretError> {
    let mut errors = FieldErrors::default();
    for field in ["key", "env"] {
        if record.text(field) != before.text(field) {
            errors.add(field, FieldError::mismatch());
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(SecretError::Invalid(errors)) }
}

impl RecordError {
    /// Why a secret was not written; `refused` makes the error of its fields.
    pub(super) fn of_secret(error: SecretError, refused: impl FnOnce(FieldErrors) -> Self) -> Self {
        match error {
            SecretError::Disabled => RecordError::SecretsDisabled,
            SecretError::NotFound => RecordError::NotFound,
            SecretError::Invalid(errors) => refused(errors),
            SecretError::Store(error) => RecordError::Store(error),
            error @ (SecretError::Unreadable { .. } | SecretError::MasterKey(_)) => {
                RecordError::Internal(error.to_string())
            }
        }
    }
}
