//! Errors of single fields, in PocketBase's shape.

use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// What is wrong with a record, field by field: the `data` member of PocketBase's error body (contract §1.1).
/// The errors of a nested object are nested as the object is: `{"meta":{"appName":{"code",…}}}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct FieldErrors(BTreeMap<String, Node>);

/// What is wrong below one name.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Node {
    Error(FieldError),
    Nested(FieldErrors),
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldError {
    /// What programs branch on; PocketBase's own codes where it has one (contract §1.3).
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    /// The numbers in the message.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
}

impl FieldErrors {
    /// One error of one field.
    pub fn of(field: &str, error: FieldError) -> Self {
        let mut errors = Self::default();
        errors.add(field, error);
        errors
    }

    /// Adds an error. The first one of a field stays.
    pub fn add(&mut self, field: &str, error: FieldError) {
        self.0.entry(field.to_owned()).or_insert(Node::Error(error));
    }

    /// Adds the errors of a nested object, if there are any. What was said about the field before stays.
    pub fn nest(&mut self, field: &str, errors: FieldErrors) {
        if !errors.is_empty() {
            self.0.entry(field.to_owned()).or_insert(Node::Nested(errors));
        }
    }

    /// Adds every error of somebody else's. The first one of a field stays.
    pub fn extend(&mut self, other: FieldErrors) {
        for (field, node) in other.0 {
            self.0.entry(field).or_insert(node);
        }
    }

    /// Keeps the error of a field's result and hands the value on.
    pub(crate) fn collect<T>(&mut self, field: &str, result: Result<T, FieldError>) -> Option<T> {
        result.map_err(|error| self.add(field, error)).ok()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The error of one field; `a.b` is a field of a nested object.
    pub fn field(&self, field: &str) -> Option<&FieldError> {
        match self.0.get(field) {
            Some(Node::Error(error)) => Some(error),
            Some(Node::Nested(_)) => None,
            None => match self.0.get(field.split_once('.')?.0)? {
                Node::Error(_) => None,
                Node::Nested(errors) => errors.field(field.split_once('.')?.1),
            },
        }
    }

    /// Every field with its error, by name; the fields of a nested object follow its name and a dot.
    pub fn iter(&self) -> impl Iterator<Item = (String, &FieldError)> {
        let mut fields = Vec::new();
        self.collect_below("", &mut fields);
        fields.into_iter()
    }

    fn collect_below<'a>(&'a self, above: &str, fields: &mut Vec<(String, &'a FieldError)>) {
        for (name, node) in &self.0 {
            match node {
                Node::Error(error) => fields.push((format!("{above}{name}"), error)),
                Node::Nested(errors) => errors.collect_below(&format!("{above}{name}."), fields),
            }
        }
    }
}

impl FieldError {
    /// An error with a code and a text; the text becomes a sentence.
    pub fn new(code: &'static str, text: impl AsRef<str>) -> Self {
        FieldError { code, message: sentence(text.as_ref()), params: Map::new() }
    }

    pub(crate) fn with(mut self, parameter: &str, value: impl Into<Value>) -> Self {
        self.params.insert(parameter.to_owned(), value.into());
        self
    }

    /// Says which member of a JSON field is meant.
    pub(crate) fn in_member(mut self, member: &str) -> Self {
        self.message = format!("{member}: {}", self.message);
        self.with("member", member)
    }

    /// There has to be a value.
    pub fn required() -> Self {
        Self::new("validation_required", "cannot be blank")
    }

    /// A text with too few characters.
    pub fn text_min(min: usize) -> Self {
        Self::new("validation_min_text_constraint", format!("must be at least {min} character(s)"))
            .with("min", min)
    }

    /// A text with too many characters.
    pub fn text_max(max: usize) -> Self {
        Self::new("validation_max_text_constraint", format!("must be no more than {max} character(s)"))
            .with("max", max)
    }

    /// A password with too few characters, in PocketBase's words, which are not those for other texts.
    pub(crate) fn password_min(min: usize) -> Self {
        Self { params: Map::new(), ..Self::text_min(min) }
    }

    /// A password with too many characters.
    pub(crate) fn password_max(max: usize) -> Self {
        Self::new("validation_max_text_constraint", format!("must be less than {max} character(s)"))
    }

    /// A number that is too small.
    pub fn number_min(min: f64) -> Self {
        Self::new("validation_min_number_constraint", format!("must be greater or equal than {min}"))
            .with("min", number(min))
    }

    /// A number that is too large.
    pub fn number_max(max: f64) -> Self {
        Self::new("validation_max_number_constraint", format!("must be less or equal than {max}"))
            .with("max", number(max))
    }

    /// A number with decimals.
    pub fn only_int() -> Self {
        Self::new("validation_only_int_constraint", "decimal numbers are not allowed")
    }

    pub(crate) fn format(text: impl AsRef<str>) -> Self {
        Self::new("validation_invalid_format", text)
    }

    pub(crate) fn url(reason: impl fmt::Display) -> Self {
        Self::new("validation_invalid_url", format!("must be a valid url: it {reason}"))
    }

    pub(crate) fn json(text: impl AsRef<str>) -> Self {
        Self::new("validation_invalid_json", text)
    }

    pub(crate) fn json_size(max: usize) -> Self {
        Self::new("validation_json_size_limit", format!("the maximum allowed JSON size is {max} bytes"))
            .with("maxSize", max)
    }

    pub(crate) fn rule(reason: impl fmt::Display) -> Self {
        Self::new("validation_invalid_rule", format!("invalid rule. Raw error: {reason}"))
    }

    pub(crate) fn value(text: impl AsRef<str>) -> Self {
        Self::new("validation_invalid_value", text)
    }

    /// What PocketBase says of the format of a text.
    pub fn invalid_format() -> Self {
        Self::format("invalid value format")
    }

    /// A text that is no e-mail address.
    pub fn email() -> Self {
        Self::new("validation_is_email", "must be a valid email address")
    }

    /// Two values that have to be the same are not: a repeated password, or a field this caller must not change.
    pub fn mismatch() -> Self {
        Self::new("validation_values_mismatch", "values don't match")
    }

    /// An id stays what it is.
    pub fn id_changed() -> Self {
        Self::new("validation_pk_change", "the record primary key cannot be changed")
    }

    /// What PocketBase says when it has nothing better to say.
    pub fn invalid_value() -> Self {
        Self::value("invalid value")
    }

    /// A member of a request that is no record and has too few or too many characters.
    pub fn length(min: usize, max: usize) -> Self {
        Self::new("validation_length_out_of_range", format!("the length must be between {min} and {max}"))
            .with("min", min)
            .with("max", max)
    }

    /// A member of a request that is no record and has too many characters or items.
    pub fn length_max(max: usize) -> Self {
        Self::new("validation_length_too_long", format!("the length must be no more than {max}"))
            .with("min", 0)
            .with("max", max)
    }

    pub(crate) fn min_greater_equal_than(threshold: i64) -> Self {
        Self::new("validation_min_greater_equal_than_required", format!("must be no less than {threshold}"))
            .with("threshold", threshold)
    }

    /// Another record has this value.
    pub fn not_unique() -> Self {
        Self::new("validation_not_unique", "value must be unique")
    }
}

/// One line a field: `path: Cannot be blank.`
impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (field, error)) in self.iter().enumerate() {
            let line_break = if position == 0 { "" } else { "\n" };
            write!(f, "{line_break}{field}: {}", error.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}

/// A JSON number as PocketBase writes it: whole ones without `.0`.
pub fn number(value: f64) -> Value {
    // Whole numbers in the range every reader of JSON takes exactly (2^53).
    #[expect(clippy::cast_possible_truncation, reason = "whole and far inside the range of an i64")]
    if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

/// Trimmed, with a capital at the beginning and a full stop at the end (contract §1.1).
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut characters = text.chars();
    let capital: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let stop = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{capital}{}{stop}", characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_written_as_pocketbase_writes_them() {
        let mut errors = FieldErrors::of("path", FieldError::required());
        errors.add("maxConcurrent", FieldError::number_max(10_000.0));
        errors.add("path", FieldError::text_min(2));
        let expected = json!({
            "path": {"code": "validation_required", "message": "Cannot be blank."},
            "maxConcurrent": {
                "code": "validation_max_number_constraint",
                "message": "Must be less or equal than 10000.",
                "params": {"max": 10_000},
            },
        });
        assert_eq!(serde_json::to_value(&errors).unwrap(), expected);
    }

    #[test]
    fn errors_of_a_nested_object_are_nested() {
        let mut errors = FieldErrors::default();
        errors.nest("smtp", FieldErrors::default());
        assert!(errors.is_empty(), "no errors are no nested errors");
        errors.nest("meta", FieldErrors::of("appName", FieldError::required()));
        errors.add("name", FieldError::required());
        let required = json!({"code": "validation_required", "message": "Cannot be blank."});
        let expected = json!({"meta": {"appName": required}, "name": required});
        assert_eq!(serde_json::to_value(&errors).unwrap(), expected);
        assert_eq!(errors.field("meta.appName"), Some(&FieldError::required()));
        assert_eq!((errors.field("meta"), errors.field("name.x"), errors.field("x.y")), (None, None, None));
        assert_eq!(errors.to_string(), "meta.appName: Cannot be blank.\nname: Cannot be blank.");
    }

    #[test]
    fn a_text_becomes_a_sentence() {
        assert_eq!(sentence(" über all "), "Über all.");
        assert_eq!(sentence("why?"), "Why?");
        assert_eq!(sentence(""), ".");
    }

    #[test]
    fn errors_are_shown_one_a_line() {
        let mut errors = FieldErrors::of("upstream", FieldError::required());
        errors.add("name", FieldError::text_max(100));
        assert_eq!(
            errors.to_string(),
            "name: Must be no more than 100 character(s).\nupstream: Cannot be blank."
        );
    }
}
