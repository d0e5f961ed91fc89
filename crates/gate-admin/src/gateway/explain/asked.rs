//! The request that is asked about.

use gate_http::{Progress, RequestError, RequestHead, is_field_value, is_token};
use gate_records::collections::Collection;
use gate_records::{FieldError, FieldErrors};
use gate_rules::AccessRule;
use serde_json::{Map, Value};

/// A request nobody has sent, as the bytes it would consist of.
pub(super) struct Asked {
    pub(super) bytes: Vec<u8>,
    /// What they were parsed to, or why the gateway would not take them.
    pub(super) head: Result<RequestHead, RequestError>,
    pub(super) caller: AskedCaller,
    /// A rule to judge it by instead of the proxy's own.
    pub(super) rule: Option<AccessRule>,
    /// A record that is not saved, to be looked at as if it were.
    pub(super) proxy: Option<Map<String, Value>>,
    /// Whether the upstream is asked.
    pub(super) dial: bool,
}

/// Who would send it.
#[derive(Clone, Debug)]
pub(super) enum AskedCaller {
    /// Nobody was named: whoever the token in `Authorization` belongs to.
    OfToken,
    /// Somebody without a token of ours.
    Guest,
    /// The owner of this record, with a token of theirs.
    Record { collection: &'static Collection, id: String },
}

impl Asked {
    /// Reads the question.
    ///
    /// # Errors
    /// What cannot be put on the wire as one request, field by field. What can be and is wrong is for the answer to say.
    pub(super) fn from_body(body: &Map<String, Value>) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut keep = |field: &str, error| errors.add(field, error);
        let path = path(body.get("path")).map_err(|error| keep("path", error)).unwrap_or_default();
        let method = method(body.get("method")).map_err(|error| keep("method", error)).unwrap_or_default();
        let query = query(body.get("query")).map_err(|error| keep("query", error)).unwrap_or_default();
        let headers =
            headers(body.get("headers")).map_err(|error| keep("headers", error)).unwrap_or_default();
        let caller =
            caller(body.get("auth")).map_err(|error| keep("auth", error)).unwrap_or(AskedCaller::Guest);
        let rule = rule(body.get("rule")).map_err(|error| keep("rule", error)).unwrap_or_default();
        let proxy = object(body.get("proxy")).map_err(|error| keep("proxy", error)).unwrap_or_default();
        let dial = flag(body.get("dial")).map_err(|error| keep("dial", error)).unwrap_or_default();
        if !errors.is_empty() {
            return Err(errors);
        }
        let bytes = compose(&method, &path, &query, headers, &caller);
        let head = parse(&bytes);
        Ok(Asked { bytes, head, caller, rule, proxy, dial })
    }

    /// The token in it, if it can be one of ours.
    pub(super) fn token(&self) -> Option<&str> {
        gate_request::token(self.head.as_ref().ok()?, &self.bytes)
    }
}

fn parse(bytes: &[u8]) -> Result<RequestHead, RequestError> {
    let mut head = RequestHead::new();
    match head.parse(bytes)? {
        // It ends with an empty line, so there is nothing to wait for.
        Progress::Complete { .. } | Progress::Partial => Ok(head),
    }
}

fn compose(
    method: &str,
    path: &str,
    query: &str,
    mut headers: Vec<(String, String)>,
    caller: &AskedCaller,
) -> Vec<u8> {
    let has = |headers: &[(String, String)], name: &str| {
        headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    if !has(&headers, "Host") {
        headers.insert(0, ("Host".to_owned(), HOST.to_owned()));
    }
    if matches!(caller, AskedCaller::Record { .. }) && !has(&headers, "Authorization") {
        headers.push(("Authorization".to_owned(), TOKEN_SHOWN.to_owned()));
    }
    let separator = match (query.is_empty(), path.contains('?')) {
        (true, _) => "",
        (false, true) => "&",
        (false, false) => "?",
    };
    let mut bytes = format!("{method} {path}{separator}{query} HTTP/1.1\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn path(asked: Option<&Value>) -> Result<String, FieldError> {
    let path = text(asked)?;
    if path.is_empty() {
        return Err(FieldError::required());
    }
    let stands_in_a_line = |byte: u8| byte > b' ' && byte != 0x7f;
    if !path.starts_with('/') || !path.bytes().all(stands_in_a_line) {
        return Err(FieldError::invalid_format());
    }
    Ok(path)
}

fn method(asked: Option<&Value>) -> Result<String, FieldError> {
    match text(asked)? {
        method if method.is_empty() => Ok("GET".to_owned()),
        method if is_token(method.as_bytes()) => Ok(method),
        _ => Err(FieldError::invalid_format()),
    }
}

/// A text as it stands behind the `?`, or an object of texts.
fn query(asked: Option<&Value>) -> Result<String, FieldError> {
    let Some(Value::Object(parameters)) = asked else {
        let query = text(asked)?;
        let query = query.strip_prefix('?').unwrap_or(&query);
        let is_query = query.bytes().all(|byte| byte.is_ascii_graphic());
        return if is_query { Ok(query.to_owned()) } else { Err(FieldError::invalid_format()) };
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        query.append_pair(name, &scalar(value).ok_or_else(FieldError::invalid_value)?);
    }
    Ok(query.finish())
}

fn headers(asked: Option<&Value>) -> Result<Vec<(String, String)>, FieldError> {
    let fields = match asked {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err(FieldError::invalid_value()),
    };
    let field = |(name, value): (&String, &Value)| {
        let value = value.as_str().ok_or_else(FieldError::invalid_value)?.trim();
        let is_one_line = is_token(name.as_bytes()) && is_field_value(value.as_bytes());
        if is_one_line { Ok((name.clone(), value.to_owned())) } else { Err(FieldError::invalid_format()) }
    };
    fields.iter().map(field).collect()
}

fn caller(asked: Option<&Value>) -> Result<AskedCaller, FieldError> {
    match asked {
        None | Some(Value::Null) => Ok(AskedCaller::OfToken),
        Some(Value::String(word)) if word == "guest" => Ok(AskedCaller::Guest),
        Some(Value::Object(members)) => {
            let collection = Collection::find(&text(members.get("collection"))?);
            let collection = collection.filter(|collection| collection.is_auth());
            let id = text(members.get("id"))?;
            collection
                .map(|collection| AskedCaller::Record { collection, id })
                .ok_or_else(FieldError::invalid_value)
        }
        Some(_) => Err(FieldError::invalid_value()),
    }
}

fn rule(asked: Option<&Value>) -> Result<Option<AccessRule>, FieldError> {
    if asked.is_none_or(Value::is_null) {
        return Ok(None);
    }
    let refused =
        |error| FieldError::new("validation_invalid_rule", format!("invalid rule. Raw error: {error}"));
    AccessRule::compile(&text(asked)?).map(Some).map_err(refused)
}

fn object(asked: Option<&Value>) -> Result<Option<Map<String, Value>>, FieldError> {
    match asked {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members.clone())),
        Some(_) => Err(FieldError::invalid_value()),
    }
}

fn flag(asked: Option<&Value>) -> Result<bool, FieldError> {
    match asked {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(FieldError::invalid_value()),
    }
}

fn text(asked: Option<&Value>) -> Result<String, FieldError> {
    match asked {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(FieldError::invalid_value()),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A request without a host is none; which one it is makes no difference.
const HOST: &str = "gateway";
/// Stands for the token of a caller who was named.
const TOKEN_SHOWN: &str = "***";
