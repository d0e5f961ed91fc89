//! Values from JSON and YAML in which nothing is lost without a word.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// A JSON value. What `serde_json` alone would pass over is refused: a member that is there twice, of which only the last would
/// count, and a number that is none (`.nan`, `.inf`), which would count as null and so as the default.
#[derive(Debug, PartialEq)]
pub(super) struct StrictValue(pub(super) Value);

impl<'de> Deserialize<'de> for StrictValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(StrictValue)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON can have")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).map(Value::Number);
        number.ok_or_else(|| E::custom(format_args!("{value} is no number that can be used")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(StrictValue(value)) = sequence.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, StrictValue(value))) = map.next_entry::<String, _>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name} is there twice")));
            }
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn refused(outcome: Result<StrictValue, String>, words: &str) {
        let error = outcome.expect_err("something is lost");
        assert!(error.contains(words), "{error:?} lacks {words:?}");
    }

    fn yaml(text: &str) -> Result<StrictValue, String> {
        serde_yaml_ng::from_str(text).map_err(|error| error.to_string())
    }

    fn json(text: &str) -> Result<StrictValue, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_json_can_have_is_read_as_it_is() {
        let value =
            json!({"a": [1, -1, 0.5, true, null, "x", {}], "b": {"a": 18_446_744_073_709_551_615_u64}});
        assert_eq!(json(&value.to_string()), Ok(StrictValue(value.clone())));
        let text = "a: [1, -1, 0.5, true, ~, x, {}]\nb: {a: 18446744073709551615}\n";
        assert_eq!(yaml(text), Ok(StrictValue(value)));
    }

    #[test]
    fn a_member_that_is_there_twice_is_refused() {
        refused(yaml("a: 1\nb: 2\na: 3\n"), "a is there twice");
        refused(yaml("x: [{a: 1, a: 1}]\n"), "a is there twice");
        refused(json(r#"{"a": 1, "a": 2}"#), "a is there twice");
        refused(json(r#"{"x": {"a": 1, "\u0061": 2}}"#), "a is there twice");
    }

    #[test]
    fn a_number_that_is_none_is_refused() {
        for text in [".inf", "-.inf", ".nan", "x: .inf", "[.NaN]"] {
            refused(yaml(text), "is no number that can be used");
        }
        assert!(json("1e999").is_err());
    }
}
