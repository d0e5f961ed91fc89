//! What is special about the records that can log in (contract §1.4).

use super::record::Record;
use crate::auth::Passwords;
use crate::collections::{Autogenerate, SUPERUSERS, to_text};
use crate::{FieldError, FieldErrors};
use serde_json::{Map, Value};

/// What a body says about the password of an account.
#[derive(Default)]
pub(super) struct Credentials {
    pub(super) password: String,
    pub(super) confirmation: String,
    /// The password so far, which owners have to know.
    pub(super) old: String,
}

/// What was found out about passwords before the transaction began: bcrypt takes too long to hold up other writers.
#[derive(Default)]
pub(super) struct Hashed {
    /// The hash of the new password.
    pub(super) hash: Option<String>,
    /// The hash the old password was found to be right for.
    pub(super) right_for: Option<String>,
}

impl Credentials {
    pub(super) fn of(body: &Map<String, Value>) -> Self {
        let text = |member| body.get(member).map(to_text).unwrap_or_default();
        Credentials {
            password: text("password"),
            confirmation: text("passwordConfirm"),
            old: text("oldPassword"),
        }
    }

    /// Whether there is anything about a new password.
    pub(super) fn are_given(&self) -> bool {
        !self.password.is_empty() || !self.confirmation.is_empty()
    }

    /// Whether there is a password that could be set, as far as can be seen from here.
    pub(super) fn are_complete(&self) -> bool {
        !self.password.is_empty()
            && self.password == self.confirmation
            && Passwords::check(&self.password).is_ok()
    }

    /// Makes sure of what nobody may change just so. `before` is the record as it was, `None` when it is new;
    /// `manages` says whether this caller may change everything of it.
    pub(super) fn check(
        &self,
        record: &Record,
        before: Option<&Record>,
        manages: bool,
        hashed: &Hashed,
    ) -> FieldErrors {
        let mut errors = FieldErrors::default();
        let Credentials { password, confirmation, old } = self;
        if !manages && before.is_some_and(|before| before.text("email") != record.text("email")) {
            errors.add("email", FieldError::mismatch());
        }
        if !manages && record.flag("verified") != before.is_some_and(|before| before.flag("verified")) {
            errors.add("verified", FieldError::mismatch());
        }
        let is_new = before.is_none();
        if password.is_empty() && (is_new || !confirmation.is_empty() || !old.is_empty()) {
            errors.add("password", FieldError::required());
        }
        if confirmation.is_empty() && (is_new || !password.is_empty() || !old.is_empty()) {
            errors.add("passwordConfirm", FieldError::required());
        } else if confirmation != password {
            errors.add("passwordConfirm", FieldError::mismatch());
        }
        if self.are_given() && !manages {
            errors.collect("oldPassword", before.map_or(Ok(()), |before| self.check_old(before, hashed)));
        }
        errors
    }

    fn check_old(&self, before: &Record, hashed: &Hashed) -> Result<(), FieldError> {
        if self.old.is_empty() {
            return Err(FieldError::required());
        }
        // The password may have changed since it was verified.
        if hashed.right_for.as_deref() == Some(before.text("password")) {
            return Ok(());
        }
        Err(FieldError::new("validation_invalid_old_password", "missing or invalid old password"))
    }

    /// Makes sure of the password itself, if one is to be set.
    pub(super) fn check_password(&self) -> Result<(), FieldError> {
        if self.password.is_empty() { Ok(()) } else { Passwords::check(&self.password) }
    }
}

/// Puts in what the server sets: the hash of a new password, and a new token key whenever earlier tokens have to die.
pub(super) fn complete(record: &mut Record, before: Option<&Record>, hash: Option<&str>) {
    if record.collection().id == SUPERUSERS.id {
        record.set("verified", true);
    }
    if let Some(hash) = hash {
        record.set("password", hash);
    }
    let has_new_key = |before: &Record| before.text("tokenKey") != record.text("tokenKey");
    let dies = match before {
        None => record.text("tokenKey").is_empty(),
        Some(before) => {
            !has_new_key(before) && (hash.is_some() || before.text("email") != record.text("email"))
        }
    };
    if dies {
        record.set("tokenKey", Autogenerate::TokenKey.make());
    }
}
