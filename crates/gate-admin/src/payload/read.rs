//! Reads a body and makes a JSON object of it.

use super::form::{Form, JSON_PAYLOAD};
use crate::caller;
use crate::error::ApiError;
use crate::services::{Services, Shared};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Deserializer, Map, Value};

/// What a request says in its body: JSON, a form, or a multipart form.
///
/// An empty body is an empty object, whatever its type: SDKs send `Content-Type: application/json` with everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Payload(pub(crate) Map<String, Value>);

/// The same where every member is a text: the field of a form stays as it was typed, since a password may consist of
/// digits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Texts(pub(crate) Map<String, Value>);

impl Payload {
    /// Reads the body of a request, at most `bytes_max` of it.
    ///
    /// Whoever sends it may take their time, so once it is there it is made sure that the caller still is who they were.
    ///
    /// # Errors
    /// 413 for a longer one, 400 for another content type or one that is not what its type says; 401 for a caller whose
    /// token was revoked in the meantime.
    pub(crate) async fn read(
        services: &Services,
        request: Request,
        bytes_max: usize,
    ) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let object = read(&parts.headers, body, bytes_max, Form::into_object).await?;
        caller::confirm(services, &parts).await?;
        Ok(Payload(object))
    }
}

impl FromRequest<Shared> for Payload {
    type Rejection = ApiError;

    async fn from_request(request: Request, services: &Shared) -> Result<Self, ApiError> {
        Self::read(services, request, BYTES_MAX).await
    }
}

impl<S: Sync> FromRequest<S> for Texts {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        read(&parts.headers, body, BYTES_MAX, Form::into_texts).await.map(Texts)
    }
}

async fn read(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    members: fn(Form) -> Result<Map<String, Value>, ApiError>,
) -> Result<Map<String, Value>, ApiError> {
    let body = collect(headers, body, bytes_max).await?;
    if body.is_empty() {
        return Ok(Map::new());
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match essence(content_type).as_str() {
        "application/json" => object(&body).and_then(unpacked),
        "application/x-www-form-urlencoded" => members(Form::of_urlencoded(&body)),
        "multipart/form-data" => members(Form::of_multipart(content_type, &body).await?),
        _ => Err(ApiError::bad_request("Unsupported Content-Type.")),
    }
}

/// PocketBase's limit for everything but batches and files.
pub(crate) const BYTES_MAX: usize = 32 * 1024 * 1024;

async fn collect(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(too_large());
    }
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(ApiError::bad_request("").because(error)),
    }
}

fn too_large() -> ApiError {
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "")
}

/// One SDK (Python) sends the `@jsonPayload` of a batch in JSON instead of a form.
fn unpacked(mut body: Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    if let Some(Value::String(json)) = body.remove(JSON_PAYLOAD) {
        body.extend(object(json.as_bytes())?);
    }
    Ok(body)
}

/// A content type without its parameters.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The first JSON value of a body, which has to be an object or null; what follows it is nobody's business.
pub(super) fn object(json: &[u8]) -> Result<Map<String, Value>, ApiError> {
    match Deserializer::from_slice(json).into_iter().next() {
        Some(Ok(Value::Object(members))) => Ok(members),
        Some(Ok(Value::Null)) => Ok(Map::new()),
        Some(Ok(_)) => Err(ApiError::bad_request("").because("the body is not a JSON object")),
        Some(Err(error)) => Err(ApiError::bad_request("").because(error)),
        None => Err(ApiError::bad_request("").because("the body holds no JSON value")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn read(content_type: &str, body: &str) -> Result<Value, (u16, String)> {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        }
        let object = super::read(&headers, Body::from(body.to_owned()), 1000, Form::into_object).await;
        object.map(Value::Object).map_err(|error| {
            let message = error.body()["message"].as_str().unwrap().to_owned();
            (error.status().as_u16(), message)
        })
    }

    const GENERIC: &str = "Something went wrong while processing your request.";

    #[tokio::test]
    async fn json_is_read_and_what_follows_the_first_value_is_ignored() {
        assert_eq!(read("application/json", r#"{"a":[1,"b"]}"#).await, Ok(json!({"a": [1, "b"]})));
        assert_eq!(read("Application/JSON; charset=utf-8", r#"{"a":1} trailing"#).await, Ok(json!({"a": 1})));
        assert_eq!(read("application/json", r#"{"a":1}{"a":2}"#).await, Ok(json!({"a": 1})));
        assert_eq!(read("application/json", "null").await, Ok(json!({})));
        let packed = r#"{"@jsonPayload":"{\"a\":1}","b":2}"#;
        assert_eq!(read("application/json", packed).await, Ok(json!({"a": 1, "b": 2})));
    }

    #[tokio::test]
    async fn an_empty_body_is_an_empty_object_whatever_its_type() {
        for content_type in ["", "application/json", "multipart/form-data", "text/plain"] {
            assert_eq!(read(content_type, "").await, Ok(json!({})), "{content_type}");
        }
    }

    #[tokio::test]
    async fn what_is_no_object_is_a_generic_400() {
        let deep = format!("{}{}", r#"{"a":"#.repeat(150), "1");
        for body in ["{", "[]", "1", "true", " ", r#"{"a":}"#, &deep] {
            assert_eq!(read("application/json", body).await, Err((400, GENERIC.to_owned())), "{body}");
        }
    }

    #[tokio::test]
    async fn other_content_types_are_refused() {
        for content_type in ["", "text/plain", "application/xml", "application/jsonp"] {
            let expected = Err((400, "Unsupported Content-Type.".to_owned()));
            assert_eq!(read(content_type, "{}").await, expected, "{content_type}");
        }
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_413_announced_or_not() {
        let body = format!("{{\"a\":\"{}\"}}", "x".repeat(1000));
        let expected = Err((413, "Request entity too large.".to_owned()));
        assert_eq!(read("application/json", &body).await, expected);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, "1001".parse().unwrap());
        let error = super::read(&headers, Body::empty(), 1000, Form::into_object).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
