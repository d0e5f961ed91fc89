//! What a browser must not do with our responses.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION};

/// Adds the security headers of contract §1.1 to every response, and a content security policy to those that have none.
pub(crate) async fn add(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_XSS_PROTECTION, HeaderValue::from_static("1; mode=block"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(POLICY);
    response
}

/// Nothing runs, nothing is sent anywhere and nobody frames us. The page has a policy of its own.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

#[cfg(test)]
mod tests {
    use crate::testing::request;

    #[tokio::test]
    async fn every_response_carries_the_security_headers() {
        for (method, target) in
            [("GET", "/api/health"), ("GET", "/api/unknown"), ("GET", "/_/"), ("OPTIONS", "/api/health")]
        {
            let answer = request(method, target, "").await;
            assert_eq!(answer.field("x-xss-protection"), Some("1; mode=block"));
            assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
            assert_eq!(answer.field("x-frame-options"), Some("SAMEORIGIN"));
            let policy = answer.field("content-security-policy").unwrap();
            assert!(policy.starts_with("default-src 'none'; "), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }
}
