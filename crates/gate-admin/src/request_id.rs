//! What a request is called in its answer and in the log (contract D-4).

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use gate_telemetry::RequestId;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Adds `X-Request-Id` to every answer: the one the request came with, or a new one.
pub(crate) async fn add(request: Request, next: Next) -> Response {
    let id = sent(request.headers()).unwrap_or_else(new);
    let mut response = next.run(request).await;
    response.headers_mut().insert(X_REQUEST_ID, id);
    response
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// An id from outside is kept if it can stand in a log line as it is.
fn sent(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(X_REQUEST_ID)?;
    RequestId::parse(id.as_bytes()).map(|_| id.clone())
}

fn new() -> HeaderValue {
    let id = RequestId::new(rand::random());
    HeaderValue::from_bytes(id.as_bytes()).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

#[cfg(test)]
mod tests {
    use crate::testing::request;

    #[tokio::test]
    async fn every_answer_has_an_id_and_keeps_the_one_it_was_asked_with() {
        let answer = request("GET", "/api/unknown", "").await;
        assert_eq!(answer.field("x-request-id").map(str::len), Some(16));
        let answer = request("GET", "/api/health", "X-Request-Id: 01-ab.C_d:e\r\n").await;
        assert_eq!(answer.field("x-request-id"), Some("01-ab.C_d:e"));
    }

    #[tokio::test]
    async fn an_id_that_would_disturb_the_log_is_replaced() {
        for id in ["a b", "a\"b", "ü", &"x".repeat(73)] {
            let answer = request("GET", "/api/health", &format!("X-Request-Id: {id}\r\n")).await;
            assert_eq!(answer.field("x-request-id").map(str::len), Some(16), "{id}");
        }
    }
}
