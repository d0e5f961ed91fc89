//! JSON fields with named members.

use crate::{FieldError, field_errors};
use serde_json::{Map, Value};

/// One member of a JSON field.
pub(super) struct Member {
    /// Its name in snake_case, in which it is stored; camelCase is taken as well (contract D-3).
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// What a member takes.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Boolean,
    /// A number in a range.
    Number {
        min: f64,
        max: f64,
    },
    /// A number in a range without decimals.
    Integer {
        min: f64,
        max: f64,
    },
    /// Seconds in a range, or 0 for none.
    OptionalSeconds {
        max: f64,
    },
    /// One of some words.
    Choice(&'static [&'static str]),
    /// Any of some words; a number is taken for the word it looks like.
    Choices(&'static [&'static str]),
}

/// Makes sure that a value is an object of some members, or null, and gives it the form in which it is stored.
/// A member that is null is the same as one that is not there.
pub(super) fn check(
    value: Value,
    bytes_max: usize,
    members: &[Member],
) -> Result<Option<Map<String, Value>>, FieldError> {
    let Some(typed) = object(value, bytes_max)? else { return Ok(None) };
    let mut canonical = Map::new();
    for (typed_name, value) in typed.into_iter().filter(|(_, value)| !value.is_null()) {
        let name = snake_case(&typed_name);
        let member = members.iter().find(|member| member.name == name);
        let member = member.ok_or_else(|| unknown(&typed_name, members))?;
        let value = member.kind.check(value).map_err(|error| error.in_member(member.name))?;
        if canonical.insert(name, value).is_some() {
            return Err(FieldError::format("is there twice").in_member(member.name));
        }
    }
    Ok(Some(canonical))
}

/// As [`check`], and an object that says anything has this member.
pub(super) fn check_with(
    required: &'static str,
    value: Value,
    bytes_max: usize,
    members: &[Member],
) -> Result<Option<Map<String, Value>>, FieldError> {
    let canonical = check(value, bytes_max, members)?;
    match &canonical {
        Some(canonical) if !canonical.is_empty() && !canonical.contains_key(required) => {
            Err(FieldError::required().in_member(required))
        }
        _ => Ok(canonical),
    }
}

/// Makes sure that a value is an object, or null, and not too large.
pub(super) fn object(value: Value, bytes_max: usize) -> Result<Option<Map<String, Value>>, FieldError> {
    if !value.is_null() && value.to_string().len() > bytes_max {
        return Err(FieldError::json_size(bytes_max));
    }
    match value {
        Value::Null => Ok(None),
        Value::Object(members) => Ok(Some(members)),
        _ => Err(FieldError::json("must be a json object or null")),
    }
}

impl Kind {
    /// The value in the form in which it is stored.
    fn check(self, value: Value) -> Result<Value, FieldError> {
        match self {
            Kind::Boolean if value.is_boolean() => Ok(value),
            Kind::Boolean => Err(FieldError::value("must be true or false")),
            Kind::Number { min, max } => in_range(number(&value)?, min, max).map(field_errors::number),
            Kind::Integer { min, max } => {
                let number = number(&value)?;
                if number.fract() != 0.0 {
                    return Err(FieldError::only_int());
                }
                in_range(number, min, max).map(field_errors::number)
            }
            Kind::OptionalSeconds { max } => match number(&value)? {
                0.0 => Ok(field_errors::number(0.0)),
                seconds => in_range(seconds, 1.0, max).map(field_errors::number),
            },
            Kind::Choice(words) => match value.as_str() {
                Some(word) if words.contains(&word) => Ok(value),
                _ => Err(FieldError::value(format!("must be one of {}", words.join(", ")))),
            },
            Kind::Choices(words) => choices(&value, words)
                .ok_or_else(|| FieldError::value(format!("must be a list of any of {}", words.join(", ")))),
        }
    }
}

/// The words that are in a list, each once and in the order in which they are known.
fn choices(value: &Value, words: &[&str]) -> Option<Value> {
    let typed: Vec<_> = value.as_array()?.iter().map(word).collect::<Option<_>>()?;
    let known = typed.iter().all(|word| words.contains(&word.as_str()));
    known.then(|| words.iter().filter(|word| typed.iter().any(|typed| typed == *word)).copied().collect())
}

/// A word of a list; a status code may be typed as the number it is.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(word) => Some(word.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Makes sure that a number is in a range.
pub(super) fn in_range(number: f64, min: f64, max: f64) -> Result<f64, FieldError> {
    if number < min {
        Err(FieldError::number_min(min))
    } else if number > max {
        Err(FieldError::number_max(max))
    } else {
        Ok(number)
    }
}

fn number(value: &Value) -> Result<f64, FieldError> {
    value.as_f64().filter(|number| number.is_finite()).ok_or_else(|| FieldError::value("must be a number"))
}

fn unknown(typed: &str, members: &[Member]) -> FieldError {
    let known: Vec<_> = members.iter().map(|member| member.name).collect();
    let text = format!("is unknown; known are {}", known.join(", "));
    FieldError::new("validation_unknown_field", text).in_member(typed)
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MEMBERS: &[Member] = &[
        Member { name: "enabled", kind: Kind::Boolean },
        Member { name: "half_open_requests", kind: Kind::Integer { min: 1.0, max: 10.0 } },
        Member { name: "failure_rate", kind: Kind::Number { min: 0.0, max: 1.0 } },
        Member { name: "body_idle", kind: Kind::OptionalSeconds { max: 60.0 } },
        Member { name: "by", kind: Kind::Choice(&["identity", "ip"]) },
        Member { name: "on", kind: Kind::Choices(&["connect", "502", "503"]) },
    ];

    #[track_caller]
    fn accepted(typed: Value, stored: &Value) {
        assert_eq!(check(typed, 1000, MEMBERS).unwrap().map_or(Value::Null, Value::Object), *stored);
    }

    #[track_caller]
    fn refused(typed: &Value, code: &str, message: &str) {
        let error = check(typed.clone(), 1000, MEMBERS).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (code, message), "{typed}");
    }

    #[test]
    fn both_spellings_are_taken_and_one_is_stored() {
        let stored = json!({"half_open_requests": 2, "enabled": true});
        accepted(json!({"halfOpenRequests": 2, "enabled": true}), &stored);
        accepted(json!({"half_open_requests": 2, "enabled": true, "failureRate": null}), &stored);
        accepted(json!({"half_open_requests": 2.0}), &json!({"half_open_requests": 2}));
        accepted(json!({}), &json!({}));
        accepted(Value::Null, &Value::Null);
    }

    #[test]
    fn members_out_of_range_or_of_another_type_are_named() {
        let member = "half_open_requests";
        refused(
            &json!({ member: 0 }),
            "validation_min_number_constraint",
            "half_open_requests: Must be greater or equal than 1.",
        );
        refused(
            &json!({"halfOpenRequests": 11}),
            "validation_max_number_constraint",
            "half_open_requests: Must be less or equal than 10.",
        );
        refused(
            &json!({ member: 1.5 }),
            "validation_only_int_constraint",
            "half_open_requests: Decimal numbers are not allowed.",
        );
        refused(&json!({ member: "2" }), "validation_invalid_value", "half_open_requests: Must be a number.");
        refused(&json!({"enabled": 1}), "validation_invalid_value", "enabled: Must be true or false.");
    }

    #[test]
    fn zero_is_off_where_there_is_an_off() {
        accepted(json!({"body_idle": 0}), &json!({"body_idle": 0}));
        accepted(json!({"body_idle": 1.5}), &json!({"body_idle": 1.5}));
        refused(
            &json!({"body_idle": 0.5}),
            "validation_min_number_constraint",
            "body_idle: Must be greater or equal than 1.",
        );
    }

    #[test]
    fn words_are_those_that_are_known() {
        accepted(json!({"by": "ip"}), &json!({"by": "ip"}));
        for by in [json!("Ip"), json!(""), json!(1), json!(["ip"])] {
            let message = "by: Must be one of identity, ip.";
            refused(&json!({ "by": by }), "validation_invalid_value", message);
        }
        accepted(json!({"on": [503, "connect", "503"]}), &json!({"on": ["connect", "503"]}));
        accepted(json!({"on": []}), &json!({"on": []}));
        for on in [json!("connect"), json!(["500"]), json!([true]), json!([503.5]), json!([null])] {
            let message = "on: Must be a list of any of connect, 502, 503.";
            refused(&json!({ "on": on }), "validation_invalid_value", message);
        }
    }

    #[test]
    fn an_object_that_says_anything_says_what_it_needs() {
        let needs = |value| check_with("by", value, 1000, MEMBERS);
        assert!(needs(Value::Null).is_ok() && needs(json!({})).is_ok());
        assert!(needs(json!({"by": "ip", "enabled": true})).is_ok());
        let error = needs(json!({"enabled": true})).unwrap_err();
        assert_eq!((error.code, &*error.message), ("validation_required", "by: Cannot be blank."));
    }

    #[test]
    fn unknown_and_repeated_members_are_refused() {
        refused(
            &json!({"treshold": 1}),
            "validation_unknown_field",
            "treshold: Is unknown; known are enabled, half_open_requests, failure_rate, body_idle, by, on.",
        );
        refused(
            &json!({"bodyIdle": 1, "body_idle": 2}),
            "validation_invalid_format",
            "body_idle: Is there twice.",
        );
    }

    #[test]
    fn the_member_is_a_parameter_of_the_error() {
        let error = check(json!({"halfOpenRequests": 11}), 1000, MEMBERS).unwrap_err();
        assert_eq!(Value::Object(error.params), json!({"max": 10, "member": "half_open_requests"}));
    }

    #[test]
    fn large_values_are_refused_by_the_size_of_their_text() {
        let error = check(json!({"enabled": "x".repeat(1000)}), 1000, MEMBERS).unwrap_err();
        assert_eq!(error.code, "validation_json_size_limit");
    }
}
