//! A collection: a kind of records.

use super::field::Field;
use super::{PROXIES, SECRETS, SUPERUSERS, USERS};

/// A kind of records. The collections are part of the program and cannot be changed (contract D-17).
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// `pbc_` and the decimal CRC-32 of type and name, which clients rely on (contract §1.1).
    pub id: String,
    /// Its name, and that of its table.
    pub name: &'static str,
    /// Whether its records can log in.
    pub kind: CollectionKind,
    /// Whether a PocketBase would have it without being asked.
    pub system: bool,
    /// The fields, in the order of the definition.
    pub fields: Vec<Field>,
    /// Who may do what.
    pub rules: Rules,
    /// The indexes, of which the unique ones are constraints.
    pub indexes: Vec<Index>,
}

/// Whether the records of a collection can log in.
#[derive(Clone, Debug, PartialEq)]
pub enum CollectionKind {
    /// They cannot.
    Base,
    /// They can.
    Auth(AuthOptions),
}

/// How the records of an auth collection log in.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthOptions {
    /// What a record has to satisfy to log in; `None` = nobody may.
    pub auth_rule: Option<&'static str>,
    /// Who may change everything of a record, without its old password; `None` = superusers.
    pub manage_rule: Option<&'static str>,
    /// How long a token is good for, in seconds (contract §1.6).
    pub token_seconds: u64,
    /// Whether a login from a new place is reported. Nothing here sends mail: shown as PocketBase has it.
    pub auth_alert: bool,
}

/// Who may do what: `None` = superusers, empty = everyone, else whoever satisfies the filter (contract §1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Which records somebody finds.
    pub list: Option<&'static str>,
    /// Which records somebody sees.
    pub view: Option<&'static str>,
    /// Which records somebody makes.
    pub create: Option<&'static str>,
    /// Which records somebody changes.
    pub update: Option<&'static str>,
    /// Which records somebody deletes.
    pub delete: Option<&'static str>,
}

/// An index of a collection's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// The columns, in order.
    pub columns: &'static [&'static str],
    /// Whether no two records may have the same values.
    pub unique: bool,
    /// Whether empty values are left out of it.
    pub not_empty: bool,
}

impl Collection {
    /// Every collection, in the order in which they are listed.
    pub fn all() -> [&'static Collection; 4] {
        [&SUPERUSERS, &USERS, &PROXIES, &SECRETS]
    }

    /// The collection with this id, or with this name in any case (contract §1.1).
    pub fn find(id_or_name: &str) -> Option<&'static Collection> {
        let all = Self::all();
        let by_id = all.iter().find(|collection| collection.id == id_or_name);
        by_id
            .or_else(|| all.iter().find(|collection| collection.name.eq_ignore_ascii_case(id_or_name)))
            .copied()
    }

    /// The field with this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// How its records log in, if they can.
    pub fn auth_options(&self) -> Option<&AuthOptions> {
        match &self.kind {
            CollectionKind::Base => None,
            CollectionKind::Auth(options) => Some(options),
        }
    }

    /// Whether its records can log in.
    pub fn is_auth(&self) -> bool {
        self.auth_options().is_some()
    }
}
