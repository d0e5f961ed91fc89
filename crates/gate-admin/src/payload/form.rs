//! Forms: fields of text that become JSON values by PocketBase's inference rules (contract §1.1).

use super::read::object;
use crate::error::ApiError;
use gate_records::json_number;
use serde_json::{Map, Value};

/// The fields of a form in the order they came. Files are left out: no collection of ours keeps any.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `a=1&b=2`.
    pub(super) fn of_urlencoded(body: &[u8]) -> Self {
        Form(form_urlencoded::parse(body).into_owned().collect())
    }

    /// Reads a multipart body.
    ///
    /// # Errors
    /// 400 for a missing boundary, broken framing, or a field that is not UTF-8.
    pub(super) async fn of_multipart(content_type: &str, body: &[u8]) -> Result<Self, ApiError> {
        let broken = |error| ApiError::bad_request("").because(error);
        let boundary = multer::parse_boundary(content_type).map_err(broken)?;
        let mut parts = multer::Multipart::with_reader(body, boundary);
        let mut form = Form::default();
        while let Some(part) = parts.next_field().await.map_err(broken)? {
            let name = part.name().unwrap_or_default().to_owned();
            if part.file_name().is_none() && !name.is_empty() {
                let value = part.bytes().await.map_err(broken)?;
                let value = String::from_utf8(value.into())
                    .map_err(|_| ApiError::bad_request("").because("a form field is not UTF-8"))?;
                form.0.push((name, value));
            }
        }
        Ok(form)
    }

    /// Merges the parts `@jsonPayload` as they are and infers the type of the others; a repeated name is an array.
    ///
    /// # Errors
    /// 400 for a `@jsonPayload` that is not a JSON object.
    pub(super) fn into_object(self) -> Result<Map<String, Value>, ApiError> {
        self.into_members(infer)
    }

    /// The same without inferring: every field stays the text that was typed.
    pub(super) fn into_texts(self) -> Result<Map<String, Value>, ApiError> {
        self.into_members(Value::String)
    }

    fn into_members(self, value: fn(String) -> Value) -> Result<Map<String, Value>, ApiError> {
        let mut members = Map::new();
        let (payloads, fields): (Vec<_>, Vec<_>) =
            self.0.into_iter().partition(|(name, _)| name == JSON_PAYLOAD);
        for (name, text) in fields {
            let value = value(text);
            match members.get_mut(&name) {
                None => {
                    members.insert(name, value);
                }
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        for (_, json) in payloads {
            members.extend(object(json.as_bytes())?);
        }
        Ok(members)
    }
}

/// The part that holds JSON instead of a text; what the SDKs' batches are sent in.
pub(super) const JSON_PAYLOAD: &str = "@jsonPayload";

/// `true`, `false`, and numbers spelled as they would be written again; everything else stays a text.
fn infer(text: String) -> Value {
    match text.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => number(&text).unwrap_or(Value::String(text)),
    }
}

fn number(text: &str) -> Option<Value> {
    let looks_like_one = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    let value: f64 = if looks_like_one { text.parse().ok()? } else { return None };
    (value.to_string() == text).then(|| json_number(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "reads better at the calls")]
    fn check_inferred(text: &str, expected: Value) {
        assert_eq!(infer(text.to_owned()), expected, "{text}");
    }

    #[test]
    fn a_text_becomes_what_it_unmistakably_is() {
        check_inferred("true", json!(true));
        check_inferred("false", json!(false));
        check_inferred("0", json!(0));
        check_inferred("-12.5", json!(-12.5));
        check_inferred("9007199254740993", json!("9007199254740993")); // would lose its last digit
        for text in
            ["", "True", "null", "-", ".", "007", "+1", "1.0", "1.", ".5", "1e3", "1-2", "--1", "1.2.3", "٣"]
        {
            check_inferred(text, json!(text));
        }
    }

    #[test]
    fn a_repeated_field_is_an_array() {
        let form = Form::of_urlencoded(b"a=1&b=x&a=true&a=%C3%BC+y");
        assert_eq!(Value::Object(form.into_object().unwrap()), json!({"a": [1, true, "ü y"], "b": "x"}));
    }

    fn multipart(parts: &[(&str, &str)]) -> String {
        let parts = parts.iter().map(|(disposition, value)| {
            format!("--XX\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{value}\r\n")
        });
        parts.chain(["--XX--\r\n".to_owned()]).collect()
    }

    async fn read(body: &str) -> Result<Value, ApiError> {
        let form = Form::of_multipart("multipart/form-data; boundary=XX", body.as_bytes()).await?;
        form.into_object().map(Value::Object)
    }

    #[tokio::test]
    async fn json_payloads_are_merged_verbatim_and_files_are_left_out() {
        let body = multipart(&[
            ("name=\"@jsonPayload\"", r#"{"a":"1","b":{"c":null}}"#),
            ("name=\"d\"", "12"),
            ("name=\"avatar\"; filename=\"a.png\"", "\u{1}\u{2}"),
            ("name=\"@jsonPayload\"", r#"{"b":2}"#),
        ]);
        assert_eq!(read(&body).await.unwrap(), json!({"a": "1", "b": 2, "d": 12}));
    }

    #[tokio::test]
    async fn broken_multipart_is_a_400() {
        let whole = multipart(&[("name=\"a\"", "1")]);
        let invalid_json = multipart(&[("name=\"@jsonPayload\"", "[1]")]);
        for body in [&whole[..whole.len() - 8], "no boundary here", &invalid_json] {
            assert_eq!(read(body).await.unwrap_err().status(), 400, "{body}");
        }
        assert!(Form::of_multipart("multipart/form-data", whole.as_bytes()).await.is_err());
    }
}
