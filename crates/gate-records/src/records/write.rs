//! One write somebody asks for, and what can be done about it before its transaction begins.

use super::access::Access;
use super::accounts::{Credentials, Hashed};
use super::change::RecordChange;
use super::error::RecordError;
use super::record::Record;
use super::request::RequestInfo;
use super::service::Parts;
use crate::FieldErrors;
use crate::collections::{Collection, to_text};

/// One write somebody asks for. What is written is the body of the request.
#[derive(Clone, Debug)]
pub struct Write {
    /// What it is a record of.
    pub collection: &'static Collection,
    /// What becomes of it.
    pub kind: WriteKind,
    /// Who asks, and with which body.
    pub request: RequestInfo,
}

/// What becomes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// It is made.
    Create,
    /// It is changed: fields that the body does not mention stay.
    Update {
        /// Which one.
        id: String,
    },
    /// It is changed if the body has the id of one that is there, else made (contract §1.10).
    Upsert,
    /// It is deleted.
    Delete {
        /// Which one.
        id: String,
    },
}

/// What a write did.
#[derive(Clone, Debug)]
pub struct Written {
    /// The record before and after.
    pub change: RecordChange,
    /// What is no error but deserves a look (contract D-7).
    pub warnings: FieldErrors,
}

impl Write {
    /// The id of the record it is about, unless it is sure to be new.
    pub(super) fn target(&self) -> Option<String> {
        match &self.kind {
            WriteKind::Update { id } | WriteKind::Delete { id } => Some(id.clone()),
            WriteKind::Upsert => self.request.body.get("id").map(to_text).filter(|id| !id.is_empty()),
            WriteKind::Create => None,
        }
    }

    /// Hashes and verifies the passwords in the body, as far as somebody asks who may.
    pub(super) async fn prepare(&self, parts: &Parts) -> Result<Hashed, RecordError> {
        let Write { collection, kind, request } = self;
        let credentials = Credentials::of(&request.body);
        let is_delete = matches!(kind, WriteKind::Delete { .. });
        if !collection.is_auth() || is_delete || !credentials.are_given() {
            return Ok(Hashed::default());
        }
        let before = match self.target() {
            Some(id) => parts.store.find(collection.table(), "id", id).await?,
            None => None,
        };
        let before = before.map(|row| Record::from_row(collection, &row));
        let rule = if before.is_some() { collection.rules.update } else { collection.rules.create };
        let access = Access::of(rule, collection, request)?;
        // A superuser who makes many accounts does not have to wait for others from where they are.
        let passwords = match request.address.filter(|_| !request.is_superuser()) {
            Some(address) => parts.passwords.asked_from(address),
            None => parts.passwords.clone(),
        };
        let mut hashed = Hashed::default();
        if let Some(before) = &before {
            if !access.allows(request, before) {
                return Ok(hashed);
            }
            if !collection.manages(request, before) {
                let hash = before.text("password");
                let is_right = passwords.verify(&credentials.old, Some(hash)).await?;
                if !is_right {
                    return Ok(hashed);
                }
                hashed.right_for = Some(hash.to_owned());
            }
        }
        if credentials.are_complete() {
            hashed.hash = Some(passwords.hash(&credentials.password).await?);
        }
        Ok(hashed)
    }
}
