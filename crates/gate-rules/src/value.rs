//! Values that go into a rule, and what the evaluator makes of them.

use crate::number::NumberText;
use crate::{json, number};
use std::borrow::Cow;

/// A value as a record or a request has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing there.
    Null,
    /// Compared as the number 1 or 0.
    Bool(bool),
    /// Finite; what is not is taken for null.
    Number(f64),
    /// Text, compared byte by byte.
    Text(Cow<'a, str>),
    /// The text of a JSON value, of a JSON column or of an array or object.
    Json(Cow<'a, str>),
}

/// A value as comparisons see it (contract §2.3).
#[derive(Clone, Debug)]
pub(crate) enum Scalar<'a> {
    Null,
    /// Invariant: not NaN. `is_integer` decides only how it reads as text: `5` or `5.0`.
    Number {
        value: f64,
        is_integer: bool,
    },
    Text(Cow<'a, str>),
}

/// What a value is besides itself; decides about conversions (contract §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A literal, a macro or a value of the request: a pattern on the right side of `~`.
    Plain,
    /// A column: converts a plain value to its own kind.
    Column,
    /// JSON: compared strictly.
    Json,
    /// Made from something else: converts nothing.
    Computed,
}

/// A value and its role.
#[derive(Clone, Debug)]
pub(crate) struct Operated<'a> {
    pub(crate) scalar: Scalar<'a>,
    pub(crate) role: Role,
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(Cow::Borrowed(text))
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Value::Bool(flag)
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Value::Number(number)
    }
}

/// A member of a request's body.
impl<'a> From<&'a serde_json::Value> for Value<'a> {
    fn from(value: &'a serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(flag) => Value::Bool(*flag),
            serde_json::Value::Number(number) => number.as_f64().map_or(Value::Null, Value::Number),
            serde_json::Value::String(text) => Value::Text(Cow::Borrowed(text)),
            composite => Value::Json(Cow::Owned(composite.to_string())),
        }
    }
}

impl<'a> Value<'a> {
    /// As a column: a whole number reads like one, JSON as what it says.
    pub(crate) fn into_column(self) -> Operated<'a> {
        match self {
            Value::Json(text) => Operated { scalar: json::scalar(&text, &[]), role: Role::Json },
            Value::Number(value) => Operated { scalar: Scalar::number(value, true), role: Role::Column },
            other => Operated { scalar: other.into_plain(), role: Role::Column },
        }
    }

    /// As a value of the request: JSON is its text.
    pub(crate) fn into_plain(self) -> Scalar<'a> {
        match self {
            Value::Null => Scalar::Null,
            Value::Bool(flag) => Scalar::from(flag),
            Value::Number(value) => Scalar::number(value, false),
            Value::Text(text) | Value::Json(text) => Scalar::Text(text),
        }
    }

    /// Its values one by one: those of an array, none of nothing.
    pub(crate) fn elements(self) -> Vec<Scalar<'a>> {
        match self {
            Value::Json(text) => json::elements(&text),
            other => match other.into_plain() {
                Scalar::Null => Vec::new(),
                Scalar::Text(text) if text.is_empty() => Vec::new(),
                scalar => vec![scalar],
            },
        }
    }
}

impl Scalar<'_> {
    /// A number; a whole one reads without a fraction if `is_integer`.
    pub(crate) fn number(value: f64, is_integer: bool) -> Self {
        // Adding 0 takes the sign of a zero away, which no database shows.
        if value.is_nan() { Scalar::Null } else { Scalar::Number { value: value + 0.0, is_integer } }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Scalar::Null)
    }

    /// Null, or a text without characters.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Scalar::Null => true,
            Scalar::Number { .. } => false,
            Scalar::Text(text) => text.is_empty(),
        }
    }

    /// As text on the left side of `~`, in `:lower` and beside a text column; `None` for null.
    pub(crate) fn as_text(&self) -> Option<ScalarText<'_>> {
        match self {
            Scalar::Null => None,
            Scalar::Number { value, is_integer } => {
                Some(ScalarText::Number(number::text(*value, *is_integer)))
            }
            Scalar::Text(text) => Some(ScalarText::Text(text)),
        }
    }

    pub(crate) fn into_value(self) -> Value<'static> {
        match self {
            Scalar::Null => Value::Null,
            Scalar::Number { value, .. } => Value::Number(value),
            Scalar::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
        }
    }
}

impl From<bool> for Scalar<'_> {
    fn from(flag: bool) -> Self {
        Scalar::number(f64::from(u8::from(flag)), true)
    }
}

/// A value as text, without an allocation.
pub(crate) enum ScalarText<'a> {
    Text(&'a str),
    Number(NumberText),
}

impl ScalarText<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            ScalarText::Text(text) => text,
            ScalarText::Number(text) => text.as_str(),
        }
    }
}
