//! One value of a row.

use crate::ColumnKind;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::hash::{Hash, Hasher};

/// One value of a row. `Debug` says what kind it is and nothing else: it may be a password or a key.
#[derive(Clone, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing; only in a column of JSON.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any finite number.
    Number(f64),
    /// Text, or JSON as text.
    Text(String),
}

impl Value {
    /// Nothing, as a column of this kind says it.
    pub(crate) fn nothing(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Text => Value::Text(String::new()),
            ColumnKind::Number => Value::Number(0.0),
            ColumnKind::Integer => Value::Integer(0),
            ColumnKind::Bool => Value::Bool(false),
            ColumnKind::Json => Value::Null,
        }
    }

    /// Whether a row can hold it: PostgreSQL takes no NUL in a text, so none is let into a record, and whoever looks for
    /// one finds nothing.
    pub(crate) fn is_storable(&self) -> bool {
        !matches!(self, Value::Text(text) if text.contains('\0'))
    }

    /// The value as a column of this kind holds it; what has no place in such a column is nothing.
    pub(crate) fn stored_in(self, kind: ColumnKind) -> Self {
        match (kind, self) {
            (ColumnKind::Text | ColumnKind::Json, value @ Value::Text(_))
            | (ColumnKind::Bool, value @ Value::Bool(_))
            | (ColumnKind::Integer, value @ Value::Integer(_)) => value,
            (ColumnKind::Number, Value::Number(number)) if number.is_finite() => Value::Number(number),
            #[expect(clippy::cast_precision_loss, reason = "as SQLite does it for a column of numbers")]
            (ColumnKind::Number, Value::Integer(number)) => Value::Number(number as f64),
            #[expect(clippy::cast_possible_truncation, reason = "a cast to integer, as SQL has it")]
            (ColumnKind::Integer, Value::Number(number)) => Value::Integer(number as i64),
            (kind, _) => Value::nothing(kind),
        }
    }
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Value::Null => 0_u8.hash(state),
            Value::Bool(flag) => flag.hash(state),
            Value::Integer(number) => number.hash(state),
            Value::Number(number) => number.to_bits().hash(state),
            Value::Text(text) => text.hash(state),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Value::Null => "Null",
            Value::Bool(_) => "Bool(…)",
            Value::Integer(_) => "Integer(…)",
            Value::Number(_) => "Number(…)",
            Value::Text(_) => "Text(…)",
        })
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Integer(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Value::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}
