//! JSON values as comparisons see them: what SQLite's `json_extract` gives.

use crate::value::Scalar;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// What lies at `path` in a JSON text: texts and numbers as such, `true` as 1, arrays and objects as their text. Null
/// if there is nothing, or the text is no JSON.
pub(crate) fn scalar<'a>(text: &str, path: &[Box<str>]) -> Scalar<'a> {
    document(text).and_then(|value| at(value, path)).map_or(Scalar::Null, of_raw)
}

/// The values of an array one by one; none if the text is something else.
pub(crate) fn elements<'a>(text: &str) -> Vec<Scalar<'a>> {
    let elements = document(text).and_then(|value| serde_json::from_str::<Vec<&RawValue>>(value.get()).ok());
    elements.unwrap_or_default().into_iter().map(of_raw).collect()
}

/// An array of these values. A whole number has a fraction there only if it reads with one.
pub(crate) fn array(values: &[Scalar<'_>]) -> String {
    let elements: Vec<String> = values
        .iter()
        .map(|value| match value {
            Scalar::Text(text) => serde_json::Value::from(text.as_ref()).to_string(),
            Scalar::Number { value, is_integer: true } if value.is_finite() => value.to_string(),
            Scalar::Number { value, .. } if value.is_finite() => format!("{value:?}"),
            Scalar::Null | Scalar::Number { .. } => "null".to_owned(),
        })
        .collect();
    format!("[{}]", elements.join(","))
}

/// A text as JSON. Not every database reads an escaped NUL, so no one does.
fn document(text: &str) -> Option<&RawValue> {
    if text.contains("\\u0000") { None } else { serde_json::from_str(text).ok() }
}

/// The place in an array that a segment of a path names: digits.
pub(crate) fn place(segment: &str) -> Option<u16> {
    segment.parse().ok()
}

fn at<'a>(value: &'a RawValue, path: &[Box<str>]) -> Option<&'a RawValue> {
    path.iter().try_fold(value, |value, segment| match place(segment) {
        Some(place) => {
            serde_json::from_str::<Vec<&RawValue>>(value.get()).ok()?.get(usize::from(place)).copied()
        }
        None => serde_json::from_str::<HashMap<Cow<'_, str>, &RawValue>>(value.get())
            .ok()?
            .get(segment.as_ref())
            .copied(),
    })
}

fn of_raw<'a>(value: &RawValue) -> Scalar<'a> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).map_or(Scalar::Null, |text| Scalar::Text(Cow::Owned(text))),
        Some(b't') => true.into(),
        Some(b'f') => false.into(),
        Some(b'[' | b'{') => Scalar::Text(Cow::Owned(minified(text))),
        Some(b'-' | b'0'..=b'9') => {
            let is_integer = !text.contains(['.', 'e', 'E']);
            text.parse().map_or(Scalar::Null, |number| Scalar::number(number, is_integer))
        }
        _ => Scalar::Null,
    }
}

/// Valid JSON without the blanks between its tokens.
fn minified(text: &str) -> String {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let keeps = |character: &char| {
        let keeps = is_quoted || !character.is_ascii_whitespace();
        match character {
            '"' if !is_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        is_escaped = *character == '\\' && !is_escaped;
        keeps
    };
    text.chars().filter(keeps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"a": {"b": [1, 2.5, "x \" y", true, null, {"c" : "d"}]}, "e": "5"}"#;

    #[track_caller]
    fn check(path: &str, expected: Option<&str>) {
        let path: Vec<Box<str>> =
            path.split('.').filter(|segment| !segment.is_empty()).map(Box::from).collect();
        let found = scalar(TEXT, &path);
        assert_eq!(found.as_text().map(|text| text.as_str().to_owned()).as_deref(), expected, "{path:?}");
    }

    #[test]
    fn paths_lead_to_members_and_places() {
        check("a.b.0", Some("1"));
        check("a.b.1", Some("2.5"));
        check("a.b.2", Some("x \" y"));
        check("a.b.3", Some("1"));
        check("a.b.4", None);
        check("a.b.5", Some(r#"{"c":"d"}"#));
        check("a.b.5.c", Some("d"));
        check("a.b.6", None);
        check("a.0", None);
        check("e", Some("5"));
        check("e.f", None);
        check("a.b", Some(r#"[1,2.5,"x \" y",true,null,{"c":"d"}]"#));
        check("", Some(r#"{"a":{"b":[1,2.5,"x \" y",true,null,{"c":"d"}]},"e":"5"}"#));
    }

    #[test]
    fn what_is_no_json_is_null() {
        assert!(scalar("{", &[]).is_null());
        assert!(scalar("", &[]).is_null());
        assert!(elements(r#""x""#).is_empty());
        assert_eq!(elements("[1, null]").len(), 2);
    }
}
