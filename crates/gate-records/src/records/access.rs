//! Who may do what to which records.

use super::auth_record::{AuthRecord, COLLECTION_ORIGIN, Origin};
use super::error::RecordError;
use super::record::{Record, Visibility};
use super::request::RequestInfo;
use crate::collections::{Collection, Field, FieldKind};
use gate_rules::{Rule, RuleError, Scope, SortKey, Value};
use std::borrow::Cow;
use std::time::SystemTime;

/// What a rule leaves to a caller: everything, or the records that satisfy it.
#[derive(Clone, Debug)]
pub(super) struct Access(Option<Rule>);

impl Access {
    /// What one of a collection's rules leaves to a caller; superusers pass every rule (contract §1.3).
    ///
    /// # Errors
    /// A rule for superusers alone, and a caller who is none.
    pub(super) fn of(
        rule: Option<&str>,
        collection: &Collection,
        request: &RequestInfo,
    ) -> Result<Self, RecordError> {
        if request.is_superuser() { Ok(Access(None)) } else { Self::of_others(rule, collection) }
    }

    /// What it leaves to everybody else.
    ///
    /// # Errors
    /// A rule for superusers alone.
    pub(super) fn of_others(rule: Option<&str>, collection: &Collection) -> Result<Self, RecordError> {
        match rule {
            None => Err(RecordError::OnlySuperusers),
            Some("") => Ok(Access(None)),
            Some(text) => {
                let rule = compile(text, collection, true);
                let rule = rule.map_err(|error| {
                    RecordError::Internal(format!("a rule of {}: {error}", collection.name))
                })?;
                Ok(Access(Some(rule)))
            }
        }
    }

    /// Whether a record is among what is left.
    pub(super) fn allows(&self, request: &RequestInfo, record: &Record) -> bool {
        self.0.as_ref().is_none_or(|rule| rule.evaluate(&Asked::about(request, Some(record))))
    }

    /// The rule a record has to satisfy, if there is one.
    pub(super) fn rule(&self) -> Option<&Rule> {
        self.0.as_ref()
    }
}

impl Collection {
    /// Whether a caller may change everything of an account, without its old password (contract §1.4).
    pub(super) fn manages(&self, request: &RequestInfo, record: &Record) -> bool {
        let rule = self.auth_options().and_then(|options| options.manage_rule);
        Access::of(rule, self, request).is_ok_and(|access| access.allows(request, record))
    }

    /// What a caller sees of a record.
    pub fn visibility(&self, request: &RequestInfo, record: &Record) -> Visibility {
        if request.is_superuser() {
            Visibility::SUPERUSER
        } else if request.auth.as_ref().is_some_and(|auth| auth.is(record))
            || (self.is_auth() && self.manages(request, record))
        {
            Visibility::OWNER
        } else {
            Visibility::EVERYONE
        }
    }
}

/// Compiles a rule or a filter over a collection; `hidden` says whether it may name hidden fields.
pub(super) fn compile(text: &str, collection: &Collection, hidden: bool) -> Result<Rule, RuleError> {
    Rule::compile(text, &Scope::new(&names(collection, hidden)))
}

/// Reads the order of a list; `hidden` says whether it may name hidden fields.
pub(super) fn order(text: &str, collection: &Collection, hidden: bool) -> Result<Vec<SortKey>, RuleError> {
    gate_rules::sort_keys(text, &Scope::new(&names(collection, hidden)))
}

/// The fields a rule, a filter or an order may name. What is write-only never is among them (contract D-19).
fn names(collection: &Collection, hidden: bool) -> Vec<(&'static str, gate_rules::FieldKind)> {
    let stored = |field: &&Field| collection.table().column(field.name).is_some();
    let seen = |field: &&Field| !field.write_only && (hidden || !field.hidden);
    collection.fields.iter().filter(stored).filter(seen).map(|field| (field.name, kind(field))).collect()
}

fn kind(field: &Field) -> gate_rules::FieldKind {
    match field.kind {
        FieldKind::Number { .. } => gate_rules::FieldKind::Number,
        FieldKind::Bool => gate_rules::FieldKind::Bool,
        FieldKind::Json { .. } => gate_rules::FieldKind::Json,
        _ => gate_rules::FieldKind::Text,
    }
}

/// What a rule is asked about: a request, and the record it is about.
pub(super) struct Asked<'a> {
    request: &'a RequestInfo,
    record: Option<&'a Record>,
    now: SystemTime,
}

impl<'a> Asked<'a> {
    pub(super) fn about(request: &'a RequestInfo, record: Option<&'a Record>) -> Self {
        Asked { request, record, now: SystemTime::now() }
    }
}

impl gate_rules::Context for Asked<'_> {
    fn method(&self) -> &str {
        &self.request.method
    }

    fn context(&self) -> &str {
        self.request.context.as_str()
    }

    fn auth(&self, name: &str) -> Value<'_> {
        // Somebody of a PocketBase could have chosen the id of a record of ours, which the rules would take for theirs.
        let Some(auth) = self.request.auth.as_ref().filter(|auth| auth.origin() == Origin::Local) else {
            return Value::Null;
        };
        match name {
            "collectionId" => auth.collection_id().into(),
            "collectionName" => auth.collection_name().into(),
            COLLECTION_ORIGIN => auth.collection_origin().into(),
            name => auth.value(name).map_or(Value::Null, |value| typed(auth_field(auth, name), value)),
        }
    }

    fn header(&self, key: &str) -> Option<Cow<'_, str>> {
        self.request.headers.get(key).map(|value| Cow::Borrowed(value.as_str()))
    }

    fn query(&self, key: &str) -> Option<Cow<'_, str>> {
        self.request.query.get(key).map(|value| Cow::Borrowed(value.as_str()))
    }

    fn body(&self, path: &str) -> Option<Value<'_>> {
        let mut members = path.split('.');
        let first = self.request.body.get(members.next()?)?;
        members.try_fold(first, |value, member| value.get(member)).map(Value::from)
    }

    fn field(&self, name: &str) -> Value<'_> {
        let Some(record) = self.record else { return Value::Null };
        typed(record.collection().field(name), record.value(name))
    }

    fn now(&self) -> SystemTime {
        self.now
    }
}

fn auth_field(auth: &AuthRecord, name: &str) -> Option<&'static Field> {
    auth.collection()?.field(name)
}

fn typed<'a>(field: Option<&Field>, value: &'a serde_json::Value) -> Value<'a> {
    match field.map(|field| &field.kind) {
        Some(FieldKind::Json { .. }) => Value::Json(Cow::Owned(value.to_string())),
        _ => Value::from(value),
    }
}
