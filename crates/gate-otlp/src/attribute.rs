//! What is said about a span or a resource, in OTLP's JSON form.

use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt::Display;

/// One thing that is said.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Attribute<'a> {
    key: Cow<'a, str>,
    value: Value<'a>,
}

/// What can be said.
#[derive(Clone, Debug, PartialEq, Serialize)]
enum Value<'a> {
    #[serde(rename = "boolValue")]
    Flag(bool),
    #[serde(rename = "intValue")]
    Number(Written<u64>),
    #[serde(rename = "stringValue")]
    Text(Cow<'a, str>),
}

/// Something that is a string in JSON: ids, and numbers of 64 bits, which JSON's own do not hold (ProtoJSON).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Written<T>(pub(crate) T);

impl<'a> Attribute<'a> {
    /// A text.
    pub(crate) fn text(key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        Attribute { key: key.into(), value: Value::Text(value.into()) }
    }

    /// A number.
    pub(crate) fn number(key: &'a str, value: impl Into<u64>) -> Self {
        Attribute { key: key.into(), value: Value::Number(Written(value.into())) }
    }

    /// Yes or no.
    pub(crate) fn flag(key: &'a str, value: bool) -> Self {
        Attribute { key: key.into(), value: Value::Flag(value) }
    }
}

impl<T: Display> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(attribute: &Attribute<'_>, expected: &serde_json::Value) {
        assert_eq!(&serde_json::to_value(attribute).unwrap(), expected);
    }

    #[test]
    fn values_have_the_form_of_their_type() {
        check(&Attribute::text("a", "b"), &json!({"key": "a", "value": {"stringValue": "b"}}));
        check(&Attribute::flag("a", true), &json!({"key": "a", "value": {"boolValue": true}}));
        check(
            &Attribute::number("a", u64::MAX),
            &json!({"key": "a", "value": {"intValue": "18446744073709551615"}}),
        );
    }
}
