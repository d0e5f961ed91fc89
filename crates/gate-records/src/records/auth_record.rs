//! Who a request is made for.

use super::record::Record;
use crate::collections::{Collection, SUPERUSERS};
use serde_json::{Map, Value};
use std::fmt;

/// The record whose token a request carries.
///
/// Made by whoever verified the token, of our own record or of what another PocketBase said about one of its own.
/// It never holds a password or a token key, so neither can be read through a rule (contract D-19).
#[derive(Clone, PartialEq)]
pub struct AuthRecord {
    collection_id: String,
    collection_name: String,
    values: Map<String, Value>,
    origin: Origin,
}

/// Where the record lives that somebody is authenticated as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In our store.
    Local,
    /// In a PocketBase whose tokens are accepted; its collections have the same ids as ours (contract §1.7).
    PocketBase {
        /// Whether its superusers are ours as well, which somebody has to ask for.
        trust_superusers: bool,
    },
}

impl AuthRecord {
    /// A record of our own.
    pub fn local(record: &Record) -> Self {
        let Collection { id, name, .. } = record.collection();
        Self::new(id, name, record.values().clone(), Origin::Local)
    }

    /// A record of a PocketBase, as it showed it.
    pub fn remote(id: &str, name: &str, values: Map<String, Value>, trust_superusers: bool) -> Self {
        Self::new(id, name, values, Origin::PocketBase { trust_superusers })
    }

    fn new(id: &str, name: &str, mut values: Map<String, Value>, origin: Origin) -> Self {
        for secret in ["password", "tokenKey"] {
            values.remove(secret);
        }
        // A field of that name would say where the record lives, and so say whatever its owner wants.
        values.remove(COLLECTION_ORIGIN);
        AuthRecord { collection_id: id.to_owned(), collection_name: name.to_owned(), values, origin }
    }

    /// The id of its collection.
    pub fn collection_id(&self) -> &str {
        &self.collection_id
    }

    /// The name of its collection.
    pub fn collection_name(&self) -> &str {
        &self.collection_name
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.value("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The value of a field, `None` when the record has none of that name.
    pub fn value(&self, field: &str) -> Option<&Value> {
        self.values.get(field)
    }

    /// Every field and its value.
    pub fn values(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The collection whose types its fields have, when it is one of ours.
    pub fn collection(&self) -> Option<&'static Collection> {
        Collection::find(&self.collection_id)
    }

    /// Where it lives.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// What a rule sees as `@request.auth.collectionOrigin`: the ids of both are the same (contract §1.7).
    pub fn collection_origin(&self) -> &'static str {
        match self.origin {
            Origin::Local => "local",
            Origin::PocketBase { .. } => "remote",
        }
    }

    /// Whether it may do everything. A superuser of another PocketBase is one here only when that was asked for.
    pub fn is_superuser(&self) -> bool {
        let trusted = match self.origin {
            Origin::Local => true,
            Origin::PocketBase { trust_superusers } => trust_superusers,
        };
        trusted && self.collection_id == SUPERUSERS.id
    }

    /// Whether it is this very record of ours.
    pub fn is(&self, record: &Record) -> bool {
        self.origin == Origin::Local
            && self.collection_id == record.collection().id
            && self.id() == record.id()
    }
}

/// The name a rule has for where the record lives.
pub(crate) const COLLECTION_ORIGIN: &str = "collectionOrigin";

/// Shows which record it is and nothing else.
impl fmt::Debug for AuthRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthRecord")
            .field("collection", &self.collection_name)
            .field("id", &self.id())
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn remote(trust_superusers: bool) -> AuthRecord {
        let Value::Object(values) = json!({"id": "abcdefghij01234", "password": "x", "tokenKey": "y"}) else {
            panic!("an object")
        };
        AuthRecord::remote(&SUPERUSERS.id, "_superusers", values, trust_superusers)
    }

    #[test]
    fn a_superuser_of_another_pocketbase_is_one_only_where_that_was_asked_for() {
        assert!(AuthRecord::local(&Record::new(&SUPERUSERS)).is_superuser());
        assert!(!remote(false).is_superuser());
        assert!(remote(true).is_superuser());
    }

    #[test]
    fn a_record_of_another_pocketbase_is_never_taken_for_ours() {
        let mut ours = Record::new(&SUPERUSERS);
        ours.set("id", "abcdefghij01234");
        assert!(AuthRecord::local(&ours).is(&ours));
        assert!(!remote(true).is(&ours));
    }

    #[test]
    fn a_record_does_not_say_itself_where_it_lives() {
        let Value::Object(values) = json!({"id": "a", "collectionOrigin": "local"}) else {
            panic!("an object")
        };
        let record = AuthRecord::remote("x", "x", values, false);
        assert_eq!((record.value("collectionOrigin"), record.collection_origin()), (None, "remote"));
        assert_eq!(AuthRecord::local(&Record::new(&SUPERUSERS)).collection_origin(), "local");
    }

    #[test]
    fn d19_token_keys_and_passwords_are_not_kept() {
        let mut ours = Record::new(&SUPERUSERS);
        ours.set("tokenKey", "y");
        for record in [remote(true), AuthRecord::local(&ours)] {
            assert_eq!((record.value("password"), record.value("tokenKey")), (None, None));
        }
    }
}
