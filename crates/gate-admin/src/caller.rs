//! Who calls (contract §1.1, §1.11).

use crate::error::ApiError;
use crate::services::{Services, Shared};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use gate_records::auth::Unavailable;
use gate_records::records::AuthRecord;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Extensions, HeaderMap, StatusCode};
use std::sync::Arc;
use std::time::Duration;

/// The record whose token came with the request. None is a guest: a token that is expired, revoked or foreign makes
/// nobody, and is no error by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller(pub(crate) Option<Arc<AuthRecord>>);

/// A caller who is a superuser; others are refused with 401 or 403.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Superuser;

/// What was found out about the caller of a request; an extension of it.
type Asked = Result<Caller, Unavailable>;

/// Finds out who calls, once for every request, before its handler runs.
///
/// Where nobody can tell at the moment, a handler that asks for the caller answers 503: a client that is refused as a
/// guest forgets its token. What is told to everybody, a login among it, is answered all the same.
pub(crate) async fn authenticate(
    State(services): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let asked: Asked = match token(request.headers()) {
        Some(token) => {
            let record = (services.authenticate)(token.to_owned()).await;
            record.map(|record| Caller(record.map(Arc::new)))
        }
        None => Ok(Caller::default()),
    };
    request.extensions_mut().insert(asked);
    next.run(request).await
}

/// Refuses whoever was somebody when the head of the request was there and is nobody any more.
///
/// Between the two lies the body, which a client may send as slowly as it likes, and its token may be revoked meanwhile.
pub(crate) async fn confirm(services: &Services, request: &Parts) -> Result<(), ApiError> {
    let Caller(caller) = Caller::known(&request.extensions);
    let Some(token) = token(&request.headers).filter(|_| caller.is_some()) else { return Ok(()) };
    match (services.authenticate)(token.to_owned()).await? {
        Some(_) => Ok(()),
        None => Err(ApiError::unauthorized(NO_TOKEN)),
    }
}

impl Caller {
    /// Who calls, for what is no decision about them: a guest where nobody can tell.
    pub(crate) fn known(extensions: &Extensions) -> Self {
        extensions.get::<Asked>().cloned().and_then(Result::ok).unwrap_or_default()
    }

    /// A superuser, or why not.
    pub(crate) fn superuser(&self) -> Result<Superuser, ApiError> {
        match &self.0 {
            Some(record) if record.is_superuser() => Ok(Superuser),
            Some(_) => {
                Err(ApiError::forbidden("The authorized record is not allowed to perform this action."))
            }
            None => Err(ApiError::unauthorized(NO_TOKEN)),
        }
    }
}

impl From<Unavailable> for ApiError {
    fn from(error: Unavailable) -> Self {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "Authentication is not available at the moment.")
            .retry_after(UNAVAILABLE_WAIT)
            .because(error)
    }
}

/// The token of `Authorization: TOKEN` or `Authorization: Bearer TOKEN`. SDKs send it bare.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => value,
    };
    (!token.is_empty()).then_some(token)
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let asked = parts.extensions.get::<Asked>().cloned();
        Ok(asked.unwrap_or_else(|| Ok(Caller::default()))?)
    }
}

impl<S: Sync> FromRequestParts<S> for Superuser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Caller::from_request_parts(parts, state).await?.superuser()
    }
}

const NO_TOKEN: &str = "The request requires valid record authorization token.";
/// A database that has come back is found within that time.
const UNAVAILABLE_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::router;
    use crate::testing::{SUPERUSER, Server, UNAVAILABLE, connect};
    use serde_json::json;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn a_caller_whom_nobody_can_name_is_no_guest() {
        let server = Server::start().await;
        let fields = format!("Authorization: {UNAVAILABLE}\r\n");
        for (method, target) in [
            ("GET", "/api/settings"),
            ("GET", "/api/collections/users/records"),
            ("GET", "/api/secrets"),
            ("POST", "/api/realtime"),
            ("POST", "/api/batch"),
        ] {
            let answer = server.request(method, target, &fields).await;
            let message = "Authentication is not available at the moment.";
            let expected = json!({"data": {}, "message": message, "status": 503});
            assert_eq!((answer.status, answer.json()), (503, expected), "{target}");
            assert_eq!(answer.field("retry-after"), Some("5"));
        }
    }

    #[tokio::test]
    async fn what_is_told_to_everybody_is_told_to_a_caller_whom_nobody_can_name() {
        let server = Server::start().await;
        server.superusers.create("root@example.com", "correct horse").await.unwrap();
        let fields = format!("Authorization: {UNAVAILABLE}\r\n");
        let methods = "/api/collections/users/auth-methods";
        for (target, status) in [("/api/health", 200), ("/_/", 200), (methods, 200), ("/api/unknown", 404)] {
            assert_eq!(server.request("GET", target, &fields).await.status, status, "{target}");
        }
        let login = "/api/collections/_superusers/auth-with-password";
        let credentials = json!({"identity": "root@example.com", "password": "correct horse"});
        assert_eq!(server.send("POST", login, &fields, &credentials).await.status, 200);
    }

    #[tokio::test]
    async fn a_token_that_is_revoked_while_the_body_is_sent_is_refused() {
        for target in [
            "/api/collections/_superusers/records",
            "/api/batch",
            "/api/settings",
            "/api/realtime",
            "/api/collections/users/impersonate/x",
        ] {
            let (is_revoked, is_asked) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
            let server = Server::start_with(|services| {
                let known = Arc::clone(&services.authenticate);
                let (is_revoked, is_asked) = (Arc::clone(&is_revoked), Arc::clone(&is_asked));
                services.authenticate = Arc::new(move |token| {
                    let answer = if is_revoked.load(Ordering::Relaxed) { "nobody" } else { token.as_str() };
                    is_asked.notify_one();
                    known(answer.to_owned())
                });
            })
            .await;
            let method = if target == "/api/settings" { "PATCH" } else { "POST" };
            let head = format!(
                "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{SUPERUSER}\
                 Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{"
            );
            let mut client = connect(router(Arc::clone(&server.services)));
            client.write_all(head.as_bytes()).await.unwrap();
            is_asked.notified().await;
            is_revoked.store(true, Ordering::Relaxed);
            client.write_all(b"}").await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 401 "), "{target}: {answer}");
        }
    }

    #[track_caller]
    fn check_token(value: &str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        assert_eq!(token(&headers), expected, "{value:?}");
    }

    #[test]
    fn a_token_comes_bare_or_as_bearer() {
        check_token("abc.def", Some("abc.def"));
        check_token("Bearer abc", Some("abc"));
        check_token("bEARER  abc ", Some("abc"));
        check_token("Bearer ", Some("Bearer"));
        check_token("Basic abc", Some("Basic abc"));
        check_token("", None);
        assert_eq!(token(&HeaderMap::new()), None);
    }
}
