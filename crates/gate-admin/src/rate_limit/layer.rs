//! Refuses what comes too often.

use super::labels::{labels, rule_for};
use crate::caller::Caller;
use crate::client_address::ClientAddress;
use crate::error::ApiError;
use crate::services::Services;
use crate::services::Shared;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use std::time::{Duration, Instant};

/// Answers 429 to a request that is one too many, unless a superuser makes it.
pub(crate) async fn apply(State(services): State<Shared>, request: Request, next: Next) -> Response {
    if is_admitted(&services, &request) {
        next.run(request).await
    } else {
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "").into_response()
    }
}

fn is_admitted(services: &Services, request: &Request) -> bool {
    let settings = services.settings.current();
    let limits = &settings.rate_limits;
    if !limits.enabled {
        return true;
    }
    let Caller(caller) = request.extensions().get().cloned().unwrap_or_default();
    let address = ClientAddress::of(request.headers()).real;
    if caller.as_ref().is_some_and(|record| record.is_superuser()) || limits.excluded_ips.contains(&address) {
        return true;
    }
    let labels = labels(request.method(), request.uri().path());
    let Some(rule) = rule_for(&limits.rules, &labels, caller.is_none()) else { return true };
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let key = [&rule.label, &rule.audience, request.method().as_str(), route, &address].join("\n");
    let length = Duration::from_secs(rule.duration.into());
    services.windows.take(key, rule.max_requests, length, Instant::now())
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, Server};
    use serde_json::json;

    #[tokio::test]
    async fn one_too_many_is_a_429_but_for_superusers() {
        let server = Server::start().await;
        let rules = json!([{"label": "/api/health", "maxRequests": 2, "duration": 3600}]);
        let part = json!({"rateLimits": {"enabled": true, "rules": rules, "excludedIPs": ["192.0.2.3"]}});
        assert_eq!(server.send("PATCH", "/api/settings", SUPERUSER, &part).await.status, 200);
        let from = |address: &str| format!("X-Forwarded-For: {address}\r\n");
        for (fields, statuses) in [
            (from("192.0.2.1"), [200, 200, 429]),
            (from("192.0.2.2"), [200, 200, 429]),
            (from("192.0.2.3"), [200, 200, 200]),
            (SUPERUSER.to_owned(), [200, 200, 200]),
        ] {
            for status in statuses {
                let answer = server.request("GET", "/api/health", &fields).await;
                assert_eq!(answer.status, status, "{fields}");
                assert!(status == 200 || answer.json()["message"] == "Too Many Requests.");
            }
        }
        assert_eq!(server.request("GET", "/api/unknown", &from("192.0.2.1")).await.status, 404);
    }
}
