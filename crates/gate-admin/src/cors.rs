//! Cross-origin requests, as PocketBase allows them.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

/// Lets every origin call the API: a caller is known by a token it sends itself, never by a cookie the browser adds,
/// so no credentials are allowed and a foreign page gains nothing (contract §1.1).
///
/// Every `OPTIONS` is answered here.
pub(crate) async fn allow_every_origin(request: Request, next: Next) -> Response {
    let cross_origin = request.headers().contains_key(ORIGIN);
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response =
        if is_preflight { preflight(request.headers(), cross_origin) } else { next.run(request).await };
    response
        .headers_mut()
        .append(VARY, if is_preflight && cross_origin { PREFLIGHT_VARY } else { ORIGIN_VARY });
    if cross_origin {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    response
}

const ORIGIN_VARY: HeaderValue = HeaderValue::from_static("Origin");
/// What the answer to a preflight depends on, or might: PocketBase says so, and a cache in between has to believe it.
const PREFLIGHT_VARY: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
const METHODS: HeaderValue = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");

fn preflight(asked: &HeaderMap, cross_origin: bool) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if cross_origin {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use crate::testing::{Answer, request};

    #[track_caller]
    fn check_cors(answer: &Answer, expected: [Option<&str>; 3]) {
        let found = ["allow-origin", "allow-methods", "allow-headers"]
            .map(|name| answer.field(&format!("access-control-{name}")));
        assert_eq!(found, expected);
        let is_preflight = expected[1].is_some();
        let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        assert_eq!(answer.field("vary"), Some(if is_preflight { vary } else { "Origin" }));
        assert_eq!(answer.field("access-control-max-age"), None);
        assert_eq!(answer.field("access-control-allow-credentials"), None);
    }

    #[tokio::test]
    async fn a_request_with_an_origin_may_be_read_by_it() {
        for target in ["/api/health", "/api/unknown", "/_/"] {
            let answer = request("GET", target, "Origin: https://app.example\r\n").await;
            check_cors(&answer, [Some("*"), None, None]);
        }
    }

    #[tokio::test]
    async fn a_request_without_an_origin_has_no_cors_fields() {
        check_cors(&request("GET", "/api/health", "").await, [None, None, None]);
    }

    #[tokio::test]
    async fn every_preflight_is_answered_and_echoes_the_headers_asked_for() {
        let fields = "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n\
                      Access-Control-Request-Headers: authorization, content-type\r\n";
        for target in ["/api/health", "/api/unknown", "/api/collections/users/records"] {
            let answer = request("OPTIONS", target, fields).await;
            assert_eq!((answer.status, answer.body.as_str()), (204, ""));
            let methods = "GET,HEAD,PUT,PATCH,POST,DELETE";
            check_cors(&answer, [Some("*"), Some(methods), Some("authorization, content-type")]);
        }
    }

    #[tokio::test]
    async fn a_preflight_that_asks_for_no_headers_is_granted_none() {
        let answer = request("OPTIONS", "/api/health", "Origin: null\r\n").await;
        check_cors(&answer, [Some("*"), Some("GET,HEAD,PUT,PATCH,POST,DELETE"), None]);
    }

    #[tokio::test]
    async fn options_without_an_origin_is_answered_too() {
        let answer = request("OPTIONS", "/api/health", "").await;
        assert_eq!(answer.status, 204);
        check_cors(&answer, [None, None, None]);
    }
}
