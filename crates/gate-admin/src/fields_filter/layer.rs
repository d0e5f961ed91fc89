//! Filters every answer alike, so that no route has to know of it.

use super::FieldsFilter;
use crate::error::ApiError;
use crate::json::Json;
use crate::query::Query;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::Value;

/// Filters the answer if it is JSON, a success, and the request has `?fields=`.
pub(crate) async fn apply(request: Request, next: Next) -> Response {
    let Some(fields) = Query::of(request.uri()).first("fields").map(str::to_owned) else {
        return next.run(request).await;
    };
    // Before anything is done: once something was written it is too late to refuse.
    let Ok(filter) = FieldsFilter::parse(&fields) else {
        return ApiError::bad_request("").because("fields has an unknown modifier").into_response();
    };
    let response = next.run(request).await;
    let Some(filter) = filter else { return response };
    if !response.status().is_success() || !is_json(response.headers()) {
        return response;
    }
    filtered(&filter, response).await.unwrap_or_else(ApiError::into_response)
}

async fn filtered(fields: &FieldsFilter, response: Response) -> Result<Response, ApiError> {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(ApiError::internal)?;
    let mut value: Value = serde_json::from_slice(&body).map_err(ApiError::internal)?;
    fields.apply(&mut value);
    parts.headers.remove(CONTENT_LENGTH);
    let (filtered, body) = Json(value).into_response().into_parts();
    parts.headers.extend(filtered.headers);
    Ok(Response::from_parts(parts, Body::new(body)))
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, Server, request};
    use serde_json::json;

    #[tokio::test]
    async fn a_success_is_filtered_and_an_error_is_not() {
        let answer = request("GET", "/api/health?fields=code%2Cdata", "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{\"code\":200,\"data\":{}}\n"));
        let answer = request("GET", "/api/unknown?fields=status", "").await;
        assert!(answer.body.contains("\"message\""), "{}", answer.body);
        let answer = request("GET", "/_/?fields=x", "").await;
        assert!(answer.body.contains("<title>"), "{}", answer.body);
    }

    #[tokio::test]
    async fn an_unknown_modifier_is_a_generic_400() {
        assert_eq!(request("GET", "/api/health?fields=code:nothing()", "").await.status, 400);
    }

    #[tokio::test]
    async fn a_write_that_is_refused_for_its_fields_was_not_made() {
        let server = Server::start().await;
        let records = "/api/collections/_proxies/records";
        let proxy = json!({"path": "/-/a", "upstream": "http://a"});
        let answer = server.send("POST", &format!("{records}?fields=id:x"), SUPERUSER, &proxy).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert_eq!(server.request("GET", records, SUPERUSER).await.json()["totalItems"], 0);
    }
}
