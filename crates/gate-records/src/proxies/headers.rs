//! The injected headers of a proxy.

use super::members;
use crate::{FieldError, Template};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The largest JSON text (contract §3.1).
const BYTES_MAX: usize = 10_000;

/// Names that cannot be set here, because the gateway writes them itself or they mean one connection only
/// (RFC 9110 §7.6.1). H15: `Host` is among them, it is always the upstream's own authority; a service that needs another
/// one is reached by that name. `_` counts as `-`, which some servers take it for.
const NOT_SETTABLE: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// Header names with their templates, in the order of the names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Headers(pub(super) Vec<(String, Template)>);

/// Makes sure that headers are an object of names and templates; returns them as they are stored and as they are used.
pub(super) fn check(value: Value) -> Result<(Value, Headers), FieldError> {
    let Some(object) = members::object(value, BYTES_MAX)? else {
        return Ok((Value::Null, Headers::default()));
    };
    let mut names = BTreeSet::new();
    let mut canonical = Map::new();
    let mut headers = Vec::new();
    for (name, value) in object {
        let template = check_one(&name, &value).map_err(|error| error.in_member(&name))?;
        if !names.insert(name.to_ascii_lowercase()) {
            return Err(FieldError::format("is there twice").in_member(&name));
        }
        headers.push((name.clone(), template));
        canonical.insert(name, value);
    }
    Ok((Value::Object(canonical), Headers(headers)))
}

impl Headers {
    /// Whether a secret is put into one of them.
    pub(super) fn name_secret(&self) -> bool {
        self.0.iter().any(|(_, template)| template.names_secret())
    }
}

fn check_one(name: &str, value: &Value) -> Result<Template, FieldError> {
    if name.is_empty() || !name.bytes().all(is_token_character) {
        return Err(FieldError::format("is not the name of a header"));
    }
    if NOT_SETTABLE.contains(&name.to_ascii_lowercase().replace('_', "-").as_str()) {
        return Err(FieldError::format("is set by the gateway itself"));
    }
    let Value::String(text) = value else {
        return Err(FieldError::value("must be a text; put it into quotes"));
    };
    if text.chars().any(|character| character.is_control() && character != '\t') {
        return Err(FieldError::format("must not contain line breaks or other control characters"));
    }
    Template::parse(text).map_err(|error| FieldError::format(error.to_string()))
}

/// RFC 9110 §5.6.2.
fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn refused(value: &Value, code: &str, message: &str) {
        let error = check(value.clone()).map(drop).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (code, message), "{value}");
    }

    #[test]
    fn headers_are_names_and_templates() {
        let value =
            json!({"Authorization": "Bearer {env.KEY}", "X-Empty": "", "x-tab": "a\tb", "X-Utf-8": "é"});
        let (canonical, headers) = check(value.clone()).unwrap();
        assert_eq!(canonical, value);
        assert_eq!(headers.0.len(), 4);
        assert_eq!(check(Value::Null).unwrap().0, Value::Null);
        assert_eq!(check(json!({})).unwrap().0, json!({}));
    }

    #[test]
    fn names_must_be_tokens() {
        for name in ["", "A B", "A:", ":authority", "Ä", "A\r\n", "A,B", "\"A\""] {
            let error = check(json!({ name: "x" })).map(drop).unwrap_err();
            assert_eq!(error.code, "validation_invalid_format", "{name:?}");
        }
    }

    #[test]
    fn h15_names_of_framing_and_routing_cannot_be_set() {
        for name in NOT_SETTABLE {
            for name in [name.to_ascii_uppercase(), name.replace('-', "_")] {
                refused(
                    &json!({ &name: "x" }),
                    "validation_invalid_format",
                    &format!("{name}: Is set by the gateway itself."),
                );
            }
        }
    }

    #[test]
    fn values_must_be_texts_without_control_characters() {
        refused(&json!({"A": 5}), "validation_invalid_value", "A: Must be a text; put it into quotes.");
        for value in ["a\r\nb", "a\nb", "a\0", "\u{7f}", "\u{85}"] {
            let error = check(json!({ "A": value })).map(drop).unwrap_err();
            assert_eq!(error.code, "validation_invalid_format", "{value:?}");
        }
    }

    #[test]
    fn templates_must_be_well_formed() {
        let message = "A: {env.X must be closed with }.";
        refused(&json!({"A": "{env.X"}), "validation_invalid_format", message);
    }

    #[test]
    fn a_name_is_taken_once_in_any_case() {
        refused(&json!({"X-A": "1", "x-a": "2"}), "validation_invalid_format", "x-a: Is there twice.");
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        for value in [json!([]), json!("a"), json!(true)] {
            refused(&value, "validation_invalid_json", "Must be a json object or null.");
        }
        let large = json!({"A": "x".repeat(BYTES_MAX)});
        refused(&large, "validation_json_size_limit", "The maximum allowed JSON size is 10000 bytes.");
    }
}
