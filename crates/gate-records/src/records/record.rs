//! One record of a collection.

use crate::collections::{Collection, Field, FieldKind};
use serde_json::{Map, Value};
use std::fmt;

/// One record: a value of the right type in every field of its collection.
#[derive(Clone, PartialEq)]
pub struct Record {
    collection: &'static Collection,
    values: Map<String, Value>,
}

/// Which fields of a record somebody sees. What is [write-only](Field::write_only) nobody does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visibility {
    /// Whether hidden fields are among them; superusers see them.
    pub hidden: bool,
    /// Whether an e-mail address is among them although its owner does not show it (contract §1.4).
    pub email: bool,
}

impl Visibility {
    /// What a superuser sees.
    pub const SUPERUSER: Visibility = Visibility { hidden: true, email: true };
    /// What the owner of an account sees of it.
    pub const OWNER: Visibility = Visibility { hidden: false, email: true };
    /// What everyone sees.
    pub const EVERYONE: Visibility = Visibility { hidden: false, email: false };
}

impl Record {
    /// A record with a zero value in every field.
    pub fn new(collection: &'static Collection) -> Self {
        let zero = |field: &Field| (field.name.to_owned(), field.kind.zero());
        Record { collection, values: collection.fields.iter().map(zero).collect() }
    }

    /// What it is a record of.
    pub fn collection(&self) -> &'static Collection {
        self.collection
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// The value of a field; null when there is no such field.
    pub fn value(&self, field: &str) -> &Value {
        self.values.get(field).unwrap_or(&Value::Null)
    }

    /// The value of a text field; empty when it is none.
    pub fn text(&self, field: &str) -> &str {
        self.value(field).as_str().unwrap_or_default()
    }

    /// The value of a boolean field; false when it is none.
    pub fn flag(&self, field: &str) -> bool {
        self.value(field).as_bool().unwrap_or_default()
    }

    /// The values by the names of their fields.
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// Puts a value into a field, [cast](Field::cast) to its type. A field that does not exist is ignored, as
    /// PocketBase ignores it.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        if let Some(field) = self.collection.field(field) {
            self.values.insert(field.name.to_owned(), field.cast(value.into()));
        }
    }

    /// Puts a value of the right type into a field there is.
    pub(super) fn put(&mut self, field: &'static str, value: Value) {
        self.values.insert(field.to_owned(), value);
    }

    /// The record as the API shows it (contract §1.1).
    pub fn to_json(&self, visibility: Visibility) -> Map<String, Value> {
        let shown = |field: &&Field| self.is_shown(field, visibility);
        let fields = self.collection.fields.iter().filter(shown);
        let mut shown: Map<String, Value> =
            fields.map(|field| (field.name.to_owned(), self.value(field.name).clone())).collect();
        shown.insert("collectionId".to_owned(), self.collection.id.as_str().into());
        shown.insert("collectionName".to_owned(), self.collection.name.into());
        shown
    }

    fn is_shown(&self, field: &Field, visibility: Visibility) -> bool {
        let address = self.collection.is_auth() && field.kind == FieldKind::Email;
        !field.write_only
            && (visibility.hidden || !field.hidden)
            && (visibility.email || !address || self.flag("emailVisibility"))
    }
}

/// Shows which record it is and nothing else: its fields may hold secrets.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("collection", &self.collection.name)
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::{PROXIES, USERS};
    use serde_json::json;

    fn user() -> Record {
        let mut user = Record::new(&USERS);
        for (field, value) in [
            ("id", "abcdefghij01234"),
            ("email", "a@b.co"),
            ("password", "$2a$10$hash"),
            ("tokenKey", "key"),
            ("created", "2026-01-01 10:00:00.123Z"),
        ] {
            user.set(field, value);
        }
        user
    }

    #[test]
    fn a_record_has_every_visible_field_and_its_collection() {
        let expected = json!({
            "id": "abcdefghij01234", "email": "a@b.co", "emailVisibility": false, "verified": false, "name": "",
            "avatar": "", "created": "2026-01-01 10:00:00.123Z", "updated": "",
            "collectionId": "_pb_users_auth_", "collectionName": "users",
        });
        assert_eq!(Value::Object(user().to_json(Visibility::OWNER)), expected);
    }

    #[test]
    fn an_address_is_left_out_unless_somebody_may_see_it() {
        assert!(!user().to_json(Visibility::EVERYONE).contains_key("email"));
        assert!(user().to_json(Visibility::SUPERUSER).contains_key("email"));
        let mut open = user();
        open.set("emailVisibility", true);
        assert!(open.to_json(Visibility::EVERYONE).contains_key("email"));
    }

    #[test]
    fn passwords_and_token_keys_are_shown_to_nobody() {
        for visibility in [Visibility::SUPERUSER, Visibility::OWNER, Visibility::EVERYONE] {
            let shown = user().to_json(visibility);
            assert!(!shown.contains_key("password") && !shown.contains_key("tokenKey"));
        }
        assert!(!format!("{:?}", user()).contains("hash"));
    }

    #[test]
    fn values_are_cast_to_the_type_of_their_field() {
        let mut proxy = Record::new(&PROXIES);
        proxy.set("timeout", "12");
        proxy.set("active", "true");
        proxy.set("path", 5);
        proxy.set("headers", "{\"X\":\"a\"}");
        proxy.set("maxConcurrent", 2.0);
        proxy.set("unknown", 1);
        let shown = Value::Object(proxy.to_json(Visibility::SUPERUSER));
        assert_eq!((&shown["timeout"], &shown["maxConcurrent"]), (&json!(12), &json!(2)));
        assert_eq!((&shown["active"], &shown["stripPath"]), (&json!(true), &json!(false)));
        assert_eq!((&shown["path"], &shown["headers"]), (&json!("5"), &json!({"X": "a"})));
        assert_eq!(shown["circuitBreaker"], Value::Null);
        assert_eq!(shown.get("unknown"), None);
    }
}
