//! One field of a collection.

use super::cast;
use super::checksum::crc32;
use crate::{field_errors, record_id};
use rand::distr::{Alphanumeric, SampleString};
use serde_json::{Value, json};

/// One field of a collection: its name, its type, and who may see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its type and the decimal CRC-32 of its name, as PocketBase makes it (contract §1.1).
    pub id: String,
    /// What it is called in JSON, in filters and in the table.
    pub name: &'static str,
    /// What it takes.
    pub kind: FieldKind,
    /// Whether it belongs to the collection's definition, in which case a PocketBase would not let go of it either.
    pub system: bool,
    /// Whether only superusers see it, set it and filter by it.
    pub hidden: bool,
    /// Whether nobody ever sees it again, not in an answer and not through a rule or a filter (contract D-9, D-19).
    pub write_only: bool,
    /// Whether it must not be blank.
    pub required: bool,
}

/// What a field takes.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldKind {
    /// A text.
    Text {
        /// The fewest characters of a text that is not empty.
        min: usize,
        /// The most characters; 0 = PocketBase's own limit of 5000.
        max: usize,
        /// What it is made of.
        pattern: Pattern,
        /// What `NAME:autogenerate` makes, and an empty value of a new record becomes.
        autogenerate: Option<Autogenerate>,
        /// Whether it is the record's id.
        primary_key: bool,
    },
    /// A text that is an e-mail address.
    Email,
    /// A text that is a URL.
    Url,
    /// A number.
    Number {
        /// The smallest one.
        min: Option<f64>,
        /// The largest one.
        max: Option<f64>,
        /// Whether decimals are refused.
        only_int: bool,
    },
    /// `true` or `false`.
    Bool,
    /// Any JSON.
    Json {
        /// The largest text, in bytes.
        bytes_max: usize,
    },
    /// A password, stored as its hash.
    Password,
    /// A date that is set by the store.
    Autodate {
        /// Whether every write sets it, not only the first.
        on_update: bool,
    },
    /// Files, of which this program keeps none: always empty.
    File,
}

/// What a text is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Anything.
    Any,
    /// `^[a-z0-9]+$`
    LowerCaseAndDigits,
}

/// What a text is made of when nobody says what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Autogenerate {
    /// 15 characters of `a-z0-9`.
    Id,
    /// 50 characters of `a-zA-Z0-9`.
    TokenKey,
}

impl Field {
    pub(super) fn new(name: &'static str, kind: FieldKind) -> Self {
        let id = format!("{}{}", kind.name(), crc32(name));
        Field { id, name, kind, system: false, hidden: false, write_only: false, required: false }
    }

    pub(super) fn text(name: &'static str, max: usize) -> Self {
        let kind =
            FieldKind::Text { min: 0, max, pattern: Pattern::Any, autogenerate: None, primary_key: false };
        Self::new(name, kind)
    }

    pub(super) fn number(name: &'static str, max: f64, only_int: bool) -> Self {
        Self::new(name, FieldKind::Number { min: Some(0.0), max: Some(max), only_int })
    }

    pub(super) fn system(self) -> Self {
        Field { system: true, ..self }
    }

    pub(super) fn required(self) -> Self {
        Field { required: true, ..self }
    }

    pub(super) fn write_only(self) -> Self {
        Field { hidden: true, write_only: true, ..self }
    }

    /// What a value becomes in this field (contract §1.1).
    pub fn cast(&self, value: Value) -> Value {
        match self.kind {
            FieldKind::Number { .. } => field_errors::number(cast::number(&value)),
            FieldKind::Bool => Value::Bool(cast::boolean(&value)),
            FieldKind::Json { .. } => cast::json(value),
            FieldKind::File => self.kind.zero(),
            FieldKind::Text { .. }
            | FieldKind::Email
            | FieldKind::Url
            | FieldKind::Password
            | FieldKind::Autodate { .. } => Value::String(cast::text(&value)),
        }
    }

    /// The definition as `GET /api/collections` shows it.
    pub(super) fn to_json(&self) -> Value {
        let mut document = json!({
            "id": self.id,
            "name": self.name,
            "type": self.kind.name(),
            "system": self.system,
            "hidden": self.hidden,
            "presentable": false,
        });
        if let (Value::Object(members), Value::Object(options)) = (&mut document, self.options()) {
            if !matches!(self.kind, FieldKind::Autodate { .. }) {
                members.insert("help".to_owned(), json!(""));
            }
            members.extend(options);
        }
        document
    }

    /// The members only this type has.
    fn options(&self) -> Value {
        let required = self.required;
        match &self.kind {
            FieldKind::Text { min, max, pattern, autogenerate, primary_key } => json!({
                "required": required, "min": min, "max": max, "pattern": pattern.expression(),
                "autogeneratePattern": autogenerate.map_or("", Autogenerate::expression),
                "primaryKey": primary_key,
            }),
            FieldKind::Email | FieldKind::Url => {
                json!({"required": required, "exceptDomains": null, "onlyDomains": null})
            }
            FieldKind::Number { min, max, only_int } => json!({
                "required": required, "onlyInt": only_int,
                "min": min.map(field_errors::number), "max": max.map(field_errors::number),
            }),
            FieldKind::Bool => json!({"required": required}),
            FieldKind::Json { bytes_max } => json!({"required": required, "maxSize": bytes_max}),
            FieldKind::Password => json!({
                "required": required, "min": PASSWORD_CHARACTERS_MIN, "max": 0, "cost": 0, "pattern": "",
            }),
            FieldKind::Autodate { on_update } => json!({"onCreate": true, "onUpdate": on_update}),
            FieldKind::File => json!({
                "required": required, "maxSelect": 1, "maxSize": 0, "mimeTypes": IMAGE_TYPES, "thumbs": null,
                "protected": false,
            }),
        }
    }
}

/// What PocketBase takes for an avatar, the only file field there is.
const IMAGE_TYPES: [&str; 5] = ["image/jpeg", "image/png", "image/svg+xml", "image/gif", "image/webp"];

impl FieldKind {
    /// The type's name in PocketBase.
    pub fn name(&self) -> &'static str {
        match self {
            FieldKind::Text { .. } => "text",
            FieldKind::Email => "email",
            FieldKind::Url => "url",
            FieldKind::Number { .. } => "number",
            FieldKind::Bool => "bool",
            FieldKind::Json { .. } => "json",
            FieldKind::Password => "password",
            FieldKind::Autodate { .. } => "autodate",
            FieldKind::File => "file",
        }
    }

    /// The value of a field nobody mentioned.
    pub fn zero(&self) -> Value {
        match self {
            FieldKind::Number { .. } => json!(0),
            FieldKind::Bool => Value::Bool(false),
            FieldKind::Json { .. } => Value::Null,
            _ => Value::String(String::new()),
        }
    }
}

impl Pattern {
    fn expression(self) -> &'static str {
        match self {
            Pattern::Any => "",
            Pattern::LowerCaseAndDigits => "^[a-z0-9]+$",
        }
    }

    pub(super) fn matches(self, text: &str) -> bool {
        match self {
            Pattern::Any => true,
            Pattern::LowerCaseAndDigits => {
                text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            }
        }
    }
}

impl Autogenerate {
    fn expression(self) -> &'static str {
        match self {
            Autogenerate::Id => "[a-z0-9]{15}",
            Autogenerate::TokenKey => "[a-zA-Z0-9]{50}",
        }
    }

    /// A new value.
    pub fn make(self) -> String {
        match self {
            Autogenerate::Id => record_id::new(),
            Autogenerate::TokenKey => Alphanumeric.sample_string(&mut rand::rng(), TOKEN_KEY_CHARACTERS),
        }
    }
}

/// 298 random bits (contract §1.4).
const TOKEN_KEY_CHARACTERS: usize = 50;

/// Characters of a password (contract §1.4); bcrypt takes no more than 72 bytes besides.
const PASSWORD_CHARACTERS_MIN: usize = 8;
