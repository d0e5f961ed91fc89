//! Refuses what comes too often.

use super::labels::{labels, named_path, rule_for};
use crate::caller::Caller;
use crate::client_address::ClientAddress;
use crate::error::ApiError;
use crate::services::{Services, Shared};
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gate_records::records::{AuthRecord, Write, WriteKind};
use gate_traffic::CallerKey;
use http::request::Parts;
use http::{Method, StatusCode};
use std::time::{Duration, Instant};

/// Answers 429 to a request that is one too many, unless a superuser makes it.
pub(crate) async fn apply(State(services): State<Shared>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let is_admitted = is_admitted(&services, &mut parts).await;
    if is_admitted { next.run(Request::from_parts(parts, body)).await } else { refusal().into_response() }
}

/// What a request that is one too many is answered.
pub(crate) fn refusal() -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "")
}

/// Counts one write of a batch as the request it would be alone; false when it is one too many. What an upsert turns
/// out to be nobody knows yet: it counts as making a record.
pub(crate) fn admits_write(services: &Services, write: &Write, address: &ClientAddress) -> bool {
    let (method, route, id) = match &write.kind {
        WriteKind::Create | WriteKind::Upsert => (Method::POST, RECORDS, ""),
        WriteKind::Update { id } => (Method::PATCH, RECORD, id.as_str()),
        WriteKind::Delete { id } => (Method::DELETE, RECORD, id.as_str()),
    };
    let parameters = [("collection", write.collection.name), ("id", id)];
    let path = named_path(route, parameters.into_iter());
    takes(services, write.request.auth.as_ref(), address, &Call { method: &method, route, path: &path })
}

/// What is called: all calls of a method and a route share the window of a rule.
struct Call<'a> {
    method: &'a Method,
    route: &'a str,
    /// With the collection's name in it.
    path: &'a str,
}

async fn is_admitted(services: &Services, parts: &mut Parts) -> bool {
    if !services.settings.current().rate_limits.enabled {
        return true;
    }
    let Caller(caller) = Caller::known(&parts.extensions);
    let address = ClientAddress::of(&parts.headers);
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    // What matches no route has no parameters, and is called what it is.
    let path = match RawPathParams::from_request_parts(parts, &()).await {
        Ok(parameters) if !route.is_empty() => named_path(&route, parameters.iter()),
        _ => parts.uri.path().to_owned(),
    };
    takes(services, caller.as_deref(), &address, &Call { method: &parts.method, route: &route, path: &path })
}

/// Counts a call where a rule says so; false when it is one too many.
fn takes(services: &Services, caller: Option<&AuthRecord>, address: &ClientAddress, call: &Call<'_>) -> bool {
    let settings = services.settings.current();
    let limits = &settings.rate_limits;
    let is_exempt =
        caller.is_some_and(AuthRecord::is_superuser) || limits.excluded_ips.contains(&address.real);
    if !limits.enabled || is_exempt {
        return true;
    }
    let labels = labels(call.method, call.path);
    let Some(rule) = rule_for(&limits.rules, &labels, caller.is_none()) else { return true };
    let what = [&rule.label, &rule.audience, call.method.as_str(), call.route].join("\n");
    let length = Duration::from_secs(rule.duration.into());
    let key = (what, CallerKey::address(address.ip()));
    services.windows.take(key, rule.max_requests, length, Instant::now())
}

/// The routes of records, as the router has them: what is written in a batch and what is written alone share a window.
const RECORDS: &str = "/api/collections/{collection}/records";
const RECORD: &str = "/api/collections/{collection}/records/{id}";

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, Server};
    use serde_json::{Value, json};

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

    async fn limit(server: &Server, rules: Value) {
        let part = json!({"rateLimits": {"enabled": true, "rules": rules}, "batch": {"enabled": true}});
        let answer = server.send("PATCH", "/api/settings", SUPERUSER, &part).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    fn account(number: u32) -> Value {
        let password = "correct horse";
        json!({"email": format!("a{number}@b.cc"), "password": password, "passwordConfirm": password})
    }

    #[tokio::test]
    async fn a_collection_is_counted_by_whichever_name_it_is_called() {
        let server = Server::start().await;
        let rule = json!({"label": "users:authWithPassword", "maxRequests": 2, "duration": 3600});
        limit(&server, json!([rule])).await;
        let mut statuses = Vec::new();
        for collection in ["users", "USERS", "_pb_users_auth_", "%75sers"] {
            let target = format!("/api/collections/{collection}/auth-with-password");
            let body = json!({"identity": "a@b.cc", "password": "wrong"});
            statuses.push(server.send("POST", &target, "", &body).await.status);
        }
        assert_eq!(statuses, [400, 400, 429, 429]);
    }

    #[tokio::test]
    async fn each_write_of_a_batch_is_counted() {
        let server = Server::start().await;
        limit(&server, json!([{"label": "users:create", "maxRequests": 3, "duration": 3600}])).await;
        let records = "/api/collections/users/records";
        let make = |number| json!({"method": "POST", "url": records, "body": account(number)});
        let batch = |numbers: [u32; 2]| json!({"requests": numbers.map(make)});
        assert_eq!(server.send("POST", records, "", &account(1)).await.status, 200);
        assert_eq!(server.send("POST", "/api/batch", "", &batch([2, 3])).await.status, 200);
        let answer = server.send("POST", "/api/batch", "", &batch([4, 5])).await;
        let failed = &answer.json()["data"]["requests"]["0"]["response"];
        assert_eq!((answer.status, &failed["status"]), (400, &json!(429)), "{}", answer.body);
        assert_eq!(server.send("POST", records, "", &account(6)).await.status, 429);
        assert_eq!(server.request("GET", records, SUPERUSER).await.json()["totalItems"], 3);
    }

    #[tokio::test]
    async fn a_network_of_ipv6_is_one_address() {
        let server = Server::start().await;
        limit(&server, json!([{"label": "/api/health", "maxRequests": 1, "duration": 3600}])).await;
        for (address, status) in [("2001:db8::1", 200), ("2001:db8::2", 429), ("2001:db8:0:1::1", 200)] {
            let fields = format!("X-Forwarded-For: {address}\r\n");
            assert_eq!(server.request("GET", "/api/health", &fields).await.status, status, "{address}");
        }
    }
}
