//! Header values for people's eyes: templates as they are, everything else hidden, because it may be a key.

use gate_records::Template;
use serde_json::Value;

/// A header's value as it is shown.
pub(super) fn value(value: &Value) -> String {
    value
        .as_str()
        .and_then(|text| Template::parse(text).ok())
        .map_or_else(|| "***".to_owned(), |template| template.masked())
}

/// The headers as they are shown.
pub(super) fn headers(headers: &Value) -> Value {
    match headers.as_object() {
        Some(object) => {
            object.iter().map(|(name, text)| (name.clone(), Value::String(value(text)))).collect()
        }
        None => Value::Null,
    }
}

/// The headers as they are shown beside earlier ones: a value that differs is shown to differ.
pub(super) fn headers_after(headers: &Value, before: &Value) -> Value {
    let Some(object) = headers.as_object() else { return Value::Null };
    let masked = |(name, text): (&String, &Value)| {
        let shown = value(text);
        let differs = before.get(name).is_some_and(|earlier| earlier != text && value(earlier) == shown);
        (name.clone(), Value::String(if differs { format!("{shown} (changed)") } else { shown }))
    };
    object.iter().map(masked).collect()
}
