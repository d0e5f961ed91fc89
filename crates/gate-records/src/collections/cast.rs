//! What a value of any type becomes in a field of another one, as PocketBase casts it (contract §1.1).

use serde_json::Value;

/// A text: numbers without `.0` and without an exponent, `true` and `false`; anything composed, and null, is empty.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(String::new, |number| number.to_string()),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// A number: of a text that is one, 1 and 0 of a boolean; junk is 0.
pub(crate) fn number(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap_or_default(),
        Value::String(text) => {
            text.parse().ok().filter(|number: &f64| number.is_finite()).unwrap_or_default()
        }
        Value::Bool(true) => 1.0,
        _ => 0.0,
    }
}

/// A boolean: of a text what Go's `ParseBool` takes for true, of a number whether it is not 0; junk is false.
pub(crate) fn boolean(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => matches!(text.as_str(), "1" | "t" | "T" | "TRUE" | "true" | "True"),
        _ => false,
    }
}

/// JSON: a text that is a JSON literal, number, array or object stands for it, because a form can send nothing but
/// texts; a text in double quotes is itself, any other text becomes a JSON text. An empty one is null, which is what
/// an empty editor means.
pub(crate) fn json(value: Value) -> Value {
    let Value::String(text) = &value else { return value };
    if text.is_empty() {
        return Value::Null;
    }
    match serde_json::from_str(text) {
        Ok(parsed) => parsed,
        Err(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts() {
        for (value, expected) in [
            (json!("a"), "a"),
            (json!(12), "12"),
            (json!(12.0), "12"),
            (json!(1.5), "1.5"),
            (json!(1e22), "10000000000000000000000"),
            (json!(true), "true"),
            (json!(null), ""),
            (json!(["a"]), ""),
            (json!({"a": 1}), ""),
        ] {
            assert_eq!(text(&value), expected, "{value}");
        }
    }

    #[test]
    fn numbers() {
        for (value, expected) in [
            (json!(1.5), 1.5),
            (json!("12"), 12.0),
            (json!("-1.5e3"), -1500.0),
            (json!("12x"), 0.0),
            (json!("NaN"), 0.0),
            (json!("inf"), 0.0),
            (json!(""), 0.0),
            (json!(true), 1.0),
            (json!(false), 0.0),
            (json!(null), 0.0),
            (json!([1]), 0.0),
        ] {
            assert!((number(&value) - expected).abs() < f64::EPSILON, "{value}");
        }
    }

    #[test]
    fn booleans() {
        for value in
            [json!(true), json!(1), json!(-0.5), json!("1"), json!("t"), json!("TRUE"), json!("True")]
        {
            assert!(boolean(&value), "{value}");
        }
        for value in [
            json!(false),
            json!(0),
            json!("false"),
            json!("yes"),
            json!("tRUE"),
            json!(""),
            json!(null),
            json!([1]),
        ] {
            assert!(!boolean(&value), "{value}");
        }
    }

    #[test]
    fn texts_of_a_form_become_the_json_they_hold() {
        for (value, expected) in [
            (json!({"a": 1}), json!({"a": 1})),
            (json!("{\"a\": 1}"), json!({"a": 1})),
            (json!("[1]"), json!([1])),
            (json!("true"), json!(true)),
            (json!("null"), json!(null)),
            (json!("1.5"), json!(1.5)),
            (json!("\"a\""), json!("a")),
            (json!("a"), json!("a")),
            (json!("{a"), json!("{a")),
            (json!(""), json!(null)),
            (json!(null), json!(null)),
        ] {
            assert_eq!(json(value.clone()), expected, "{value}");
        }
    }
}
