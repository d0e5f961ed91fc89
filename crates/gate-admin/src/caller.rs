//! Who calls (contract §1.1, §1.11).

use crate::error::ApiError;
use crate::services::Shared;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gate_records::auth::Unavailable;
use gate_records::records::AuthRecord;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// The record whose token came with the request. None is a guest: a token that is expired, revoked or foreign makes
/// nobody, and is no error by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller(pub(crate) Option<Arc<AuthRecord>>);

/// A caller who is a superuser; others are refused with 401 or 403.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Superuser;

/// Finds out who calls, once for every request, before its handler runs.
///
/// Where nobody can tell at the moment, the answer is 503: a client that is refused as a guest forgets its token. Only
/// health is told to everybody.
pub(crate) async fn authenticate(
    State(services): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match token(request.headers()) {
        Some(token) => match (services.authenticate)(token.to_owned()).await {
            Ok(record) => Caller(record.map(Arc::new)),
            Err(_) if request.uri().path() == HEALTH => Caller::default(),
            Err(error) => return ApiError::from(error).into_response(),
        },
        None => Caller::default(),
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

impl Caller {
    /// A superuser, or why not.
    pub(crate) fn superuser(&self) -> Result<Superuser, ApiError> {
        match &self.0 {
            Some(record) if record.is_superuser() => Ok(Superuser),
            Some(_) => {
                Err(ApiError::forbidden("The authorized record is not allowed to perform this action."))
            }
            None => Err(ApiError::unauthorized("The request requires valid record authorization token.")),
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
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

impl<S: Sync> FromRequestParts<S> for Superuser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().unwrap_or_else(Caller::default).superuser()
    }
}

const HEALTH: &str = "/api/health";
/// A database that has come back is found within that time.
const UNAVAILABLE_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, UNAVAILABLE};
    use serde_json::json;

    #[tokio::test]
    async fn a_caller_whom_nobody_can_name_is_no_guest() {
        let server = Server::start().await;
        let fields = format!("Authorization: {UNAVAILABLE}\r\n");
        for target in ["/api/settings", "/api/collections/users/records", "/api/secrets", "/api/realtime"] {
            let answer = server.request("GET", target, &fields).await;
            let message = "Authentication is not available at the moment.";
            let expected = json!({"data": {}, "message": message, "status": 503});
            assert_eq!((answer.status, answer.json()), (503, expected), "{target}");
            assert_eq!(answer.field("retry-after"), Some("5"));
        }
        assert_eq!(server.request("GET", "/api/health", &fields).await.status, 200);
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
