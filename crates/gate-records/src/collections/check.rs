//! What a field says to a value it does not take (contract §1.3).

use super::collection::Collection;
use super::field::{Field, FieldKind};
use crate::{FieldError, FieldErrors};
use serde_json::{Map, Value};

impl Collection {
    /// Makes sure of the values of a record, which were [cast](Field::cast) before. Not of its password: by the time a
    /// record is checked, that is a hash.
    pub fn check(&self, values: &Map<String, Value>) -> FieldErrors {
        let mut errors = FieldErrors::default();
        for field in self.fields.iter().filter(|field| field.kind != FieldKind::Password) {
            let value = values.get(field.name).unwrap_or(&Value::Null);
            errors.collect(field.name, field.check(value));
        }
        errors
    }

    /// Makes sure of an id alone.
    pub(crate) fn check_id(&self, id: &Value) -> FieldErrors {
        let mut errors = FieldErrors::default();
        errors.collect("id", self.field("id").map_or(Ok(()), |field| field.check(id)));
        errors
    }
}

impl Field {
    fn check(&self, value: &Value) -> Result<(), FieldError> {
        if self.required && is_blank(value) {
            return Err(FieldError::required());
        }
        match (&self.kind, value) {
            (_, value) if is_blank(value) => Ok(()),
            // PostgreSQL holds none, and what cannot move from one database to the other is not taken by either.
            (FieldKind::Text { .. } | FieldKind::Url, Value::String(text)) if text.contains('\0') => {
                Err(FieldError::invalid_format())
            }
            (FieldKind::Text { min, max, pattern, .. }, Value::String(text)) => {
                check_length(text, *min, if *max == 0 { TEXT_CHARACTERS_MAX } else { *max })?;
                if pattern.matches(text) { Ok(()) } else { Err(FieldError::invalid_format()) }
            }
            (FieldKind::Email, Value::String(text)) if is_email(text) => Ok(()),
            (FieldKind::Email, _) => Err(FieldError::email()),
            (FieldKind::Number { min, max, only_int }, Value::Number(number)) => {
                check_number(number.as_f64().unwrap_or_default(), *min, *max, *only_int)
            }
            (FieldKind::Json { bytes_max }, value) if value.to_string().len() > *bytes_max => {
                Err(FieldError::json_size(*bytes_max))
            }
            _ => Ok(()),
        }
    }
}

fn check_length(text: &str, min: usize, max: usize) -> Result<(), FieldError> {
    match text.chars().count() {
        length if length < min => Err(FieldError::text_min(min)),
        length if length > max => Err(FieldError::text_max(max)),
        _ => Ok(()),
    }
}

fn check_number(number: f64, min: Option<f64>, max: Option<f64>, only_int: bool) -> Result<(), FieldError> {
    if only_int && number.fract() != 0.0 {
        return Err(FieldError::only_int());
    }
    if let Some(min) = min.filter(|min| number < *min) {
        return Err(FieldError::number_min(min));
    }
    if let Some(max) = max.filter(|max| number > *max) {
        return Err(FieldError::number_max(max));
    }
    Ok(())
}

/// What "required" refuses: the zero value of every type but booleans, which PocketBase's auth fields never require.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        _ => false,
    }
}

/// Whether a text can be an e-mail address: one `@` with a local part of at most 64 characters before it and the
/// name of a host after it (RFC 5321 §4.1.2, without quoted local parts and address literals).
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let atom = |character: char| {
        character.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~".contains(character)
            || !character.is_ascii()
    };
    let is_atom = |part: &str| !part.is_empty() && part.chars().all(&atom);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|character| character.is_alphanumeric() || character == '-')
    };
    text.len() <= EMAIL_BYTES_MAX
        && local.len() <= EMAIL_LOCAL_BYTES_MAX
        && local.split('.').all(is_atom)
        && host.contains('.')
        && host.split('.').all(is_label)
        && !text.chars().any(|character| character.is_whitespace() || character.is_control())
}

/// PocketBase's limit of a text whose field names none.
const TEXT_CHARACTERS_MAX: usize = 5000;
/// RFC 5321 §4.5.3.1.
const EMAIL_BYTES_MAX: usize = 254;
const EMAIL_LOCAL_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::{PROXIES, USERS};
    use serde_json::json;

    #[track_caller]
    fn refused(field: &Field, value: Value, code: &str, message: &str) {
        let error = field.check(&field.cast(value)).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (code, message));
    }

    fn field(name: &str) -> Field {
        USERS.field(name).or_else(|| PROXIES.field(name)).unwrap().clone()
    }

    #[test]
    fn every_kind_of_field_has_pocketbases_words() {
        let id = "validation_min_text_constraint";
        refused(&field("id"), json!("abc"), id, "Must be at least 15 character(s).");
        refused(
            &field("id"),
            json!("a".repeat(16)),
            "validation_max_text_constraint",
            "Must be no more than 15 character(s).",
        );
        refused(&field("id"), json!("ABCDEFGHIJKLMNO"), "validation_invalid_format", "Invalid value format.");
        refused(&field("email"), json!(null), "validation_required", "Cannot be blank.");
        refused(&field("email"), json!("a@b"), "validation_is_email", "Must be a valid email address.");
        let concurrent = field("maxConcurrent");
        refused(
            &concurrent,
            json!(1.5),
            "validation_only_int_constraint",
            "Decimal numbers are not allowed.",
        );
        refused(
            &concurrent,
            json!(-1),
            "validation_min_number_constraint",
            "Must be greater or equal than 0.",
        );
        refused(
            &concurrent,
            json!("10001"),
            "validation_max_number_constraint",
            "Must be less or equal than 10000.",
        );
        for name in ["name", "description", "upstream", "accessRule", "tokenKey"] {
            refused(&field(name), json!("a\0b"), "validation_invalid_format", "Invalid value format.");
        }
        let error = field("name").check(&json!("é".repeat(256))).unwrap_err();
        assert_eq!(Value::Object(error.params), json!({"max": 255}));
        assert_eq!(field("name").check(&json!("é".repeat(255))), Ok(()));
    }

    #[test]
    fn addresses_are_told_from_other_texts() {
        for address in
            ["a@b.co", "a.b+c@example.com", "O'Neil_1@sub-domain.example", "ä@bücher.example", "a@b.c.d.e.f"]
        {
            assert!(is_email(address), "{address}");
        }
        let long = format!("{}@b.co", "a".repeat(65));
        for text in [
            "",
            "a",
            "@b.co",
            "a@",
            "a@b",
            "a@b..co",
            "a b@c.de",
            "a@b c.de",
            ".a@b.co",
            "a.@b.co",
            "a@-b.co",
            "a@b.co\n",
            "a@@b.co",
            "a@b@c.de",
            "a\0@b.co",
            "\"a\"@b.co",
            &long,
        ] {
            assert!(!is_email(text), "{text:?}");
        }
    }
}
