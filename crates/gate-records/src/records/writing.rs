//! What one write does inside a transaction.

use super::access::Access;
use super::accounts::{self, Credentials, Hashed};
use super::change::RecordChange;
use super::error::RecordError;
use super::record::Record;
use super::request::RequestInfo;
use super::service::Parts;
use super::write::{Write, WriteKind, Written};
use super::{proxies, secrets};
use crate::collections::{Collection, PROXIES, SUPERUSERS, to_text};
use crate::timestamp::Timestamp;
use crate::{FieldError, FieldErrors, record_id};
use gate_store::{StoreError, Transaction};
use serde_json::Value;

/// One write that is being done. Whether it is kept is for whoever commits the transaction to say.
pub(super) struct Writing<'a> {
    pub(super) write: &'a Write,
    pub(super) parts: &'a Parts,
    pub(super) transaction: &'a mut Transaction,
    pub(super) hashed: &'a Hashed,
}

impl Writing<'_> {
    pub(super) async fn apply(&mut self) -> Result<Written, RecordError> {
        match &self.write.kind {
            WriteKind::Create => self.create().await,
            WriteKind::Update { id } => self.update(id).await,
            WriteKind::Delete { id } => self.delete(id).await,
            WriteKind::Upsert => match self.write.target() {
                Some(id) if self.find(&id).await?.is_some() => self.update(&id).await,
                _ => self.create().await,
            },
        }
    }

    async fn create(&mut self) -> Result<Written, RecordError> {
        let Write { collection, request, .. } = self.write;
        let access = Access::of(collection.rules.create, collection, request)?;
        let mut record = Record::new(collection);
        if collection.id == PROXIES.id {
            proxies::defaults(&mut record);
        }
        record.assign(&request.body, true, request.is_superuser());
        if !access.allows(request, &record) {
            return Err(RecordError::NotCreated(FieldErrors::default()));
        }
        if record.id().is_empty() {
            record.set("id", record_id::new());
        }
        let warnings = self.complete(&mut record, None).await?;
        let now = Timestamp::now().to_string();
        record.set("created", now.as_str());
        record.set("updated", now);
        let row = record.to_row();
        self.transaction.insert(&row).await.map_err(|error| refused_by_store(error, None))?;
        let after = Some(self.parts.record(collection, &row)?);
        Ok(Written { change: RecordChange { before: None, after }, warnings })
    }

    async fn update(&mut self, id: &str) -> Result<Written, RecordError> {
        let Write { collection, request, .. } = self.write;
        let before = self.find_for(collection.rules.update, id).await?;
        self.check_not_stale(&before)?;
        if request.body.get("id").is_some_and(|id| to_text(id) != before.id()) {
            let errors = FieldErrors::of("id", FieldError::id_changed());
            return Err(RecordError::NotUpdated(errors));
        }
        let mut record = before.clone();
        record.assign(&request.body, false, request.is_superuser());
        let warnings = self.complete(&mut record, Some(&before)).await?;
        record.set("updated", Timestamp::now_after(before.text("updated")).to_string());
        let row = record.to_row();
        self.transaction.update(&row, None).await.map_err(|error| refused_by_store(error, Some(&before)))?;
        let after = Some(self.parts.record(collection, &row)?);
        Ok(Written { change: RecordChange { before: Some(before), after }, warnings })
    }

    async fn delete(&mut self, id: &str) -> Result<Written, RecordError> {
        let collection = self.write.collection;
        let before = self.find_for(collection.rules.delete, id).await?;
        if collection.id == SUPERUSERS.id && self.transaction.count(collection.table()).await? <= 1 {
            return Err(RecordError::LastSuperuser);
        }
        self.transaction.delete(collection.table(), id).await?;
        let change = RecordChange { before: Some(before), after: None };
        Ok(Written { change, warnings: FieldErrors::default() })
    }

    async fn find(&mut self, id: &str) -> Result<Option<Record>, RecordError> {
        let collection = self.write.collection;
        let row = self.transaction.find(collection.table(), "id", id).await?;
        row.map(|row| self.parts.record(collection, &row)).transpose()
    }

    /// The record a rule lets this caller get at.
    async fn find_for(&mut self, rule: Option<&str>, id: &str) -> Result<Record, RecordError> {
        let Write { collection, request, .. } = self.write;
        let access = Access::of(rule, collection, request)?;
        let found = self.find(id).await?.filter(|record| access.allows(request, record));
        found.ok_or(RecordError::NotFound)
    }

    /// Refuses to overwrite what the caller has not seen (contract D-13).
    fn check_not_stale(&self, before: &Record) -> Result<(), RecordError> {
        let RequestInfo { headers, body, .. } = &self.write.request;
        let in_header = headers.get(LOCK_HEADER).map(String::as_str);
        // Clients send whole records back; only of a proxy do they mean it.
        let in_body = body.get("updated").filter(|_| before.collection().id == PROXIES.id);
        let seen = in_header.or(in_body.and_then(Value::as_str)).unwrap_or_default();
        if seen.is_empty() || seen == before.text("updated") { Ok(()) } else { Err(RecordError::Stale) }
    }

    /// Makes sure of a record and puts in what the server sets; returns what deserves a look.
    async fn complete(
        &mut self,
        record: &mut Record,
        before: Option<&Record>,
    ) -> Result<FieldErrors, RecordError> {
        let collection = record.collection();
        let mut errors = collection.check_id(record.value("id"));
        let mut warnings = FieldErrors::default();
        if collection.is_auth() {
            errors.extend(self.complete_account(record, before).await?);
        } else if collection.id == PROXIES.id {
            match proxies::check(record) {
                Ok(checked) => {
                    let is_typed = before.is_none_or(|it| it.value("upstream") != record.value("upstream"));
                    if is_typed && let Err(error) = checked.check_address(self.parts.upstream_addresses) {
                        errors.add("upstream", error);
                    }
                    let secrets = self.parts.secrets.resolved_in(self.transaction).await?;
                    warnings = checked.warnings(&self.parts.environment, &secrets);
                }
                Err(more) => errors.extend(more),
            }
        } else {
            let has_value = self.write.request.body.contains_key("value");
            secrets::seal(&self.parts.secrets, record, before, has_value)
                .map_err(|error| RecordError::of_secret(error, |errors| refused(before, errors)))?;
        }
        if errors.is_empty() { Ok(warnings) } else { Err(refused(before, errors)) }
    }

    async fn complete_account(
        &mut self,
        record: &mut Record,
        before: Option<&Record>,
    ) -> Result<FieldErrors, RecordError> {
        let collection = record.collection();
        let credentials = Credentials::of(&self.write.request.body);
        let manages = collection.manages(&self.write.request, before.unwrap_or(record));
        let forbidden = credentials.check(record, before, manages, self.hashed);
        if !forbidden.is_empty() {
            return Ok(forbidden);
        }
        accounts::complete(record, before, self.hashed.hash.as_deref());
        let mut errors = collection.check(record.values());
        errors.collect("password", credentials.check_password());
        if before.is_none() && self.is_taken(record).await? {
            errors.add(
                "id",
                FieldError::new("validation_invalid_auth_id", "invalid or duplicated auth record id"),
            );
        }
        if errors.is_empty() && !credentials.password.is_empty() && self.hashed.hash.is_none() {
            // It came to be after the passwords were looked at.
            return Err(RecordError::Stale);
        }
        Ok(errors)
    }

    /// Whether the id belongs to an account of another collection: tokens and rules tell accounts apart by it.
    async fn is_taken(&mut self, record: &Record) -> Result<bool, RecordError> {
        let others = Collection::all().into_iter().filter(|other| other.is_auth());
        for other in others.filter(|other| other.id != record.collection().id) {
            if self.transaction.find(other.table(), "id", record.id()).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Why a record is not written, by whether there was one `before`.
fn refused(before: Option<&Record>, errors: FieldErrors) -> RecordError {
    match before {
        None => RecordError::NotCreated(errors),
        Some(_) => RecordError::NotUpdated(errors),
    }
}

fn refused_by_store(error: StoreError, before: Option<&Record>) -> RecordError {
    match error {
        StoreError::NotUnique { field, .. } => {
            refused(before, FieldErrors::of(field, FieldError::not_unique()))
        }
        error => RecordError::Store(error),
    }
}

/// Where a caller says which version of a record they saw, as rules spell the name of a header (contract D-13).
const LOCK_HEADER: &str = "if_unmodified_since_updated";
