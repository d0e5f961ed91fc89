//! Who calls (contract §1.1, §1.11).

use crate::error::ApiError;
use crate::services::Shared;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use gate_records::records::AuthRecord;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::convert::Infallible;
use std::sync::Arc;

/// The record whose token came with the request. None is a guest: a token that is expired, revoked or foreign makes
/// nobody, and is no error by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller(pub(crate) Option<Arc<AuthRecord>>);

/// A caller who is a superuser; others are refused with 401 or 403.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Superuser;

/// Finds out who calls, once for every request, before its handler runs.
pub(crate) async fn authenticate(
    State(services): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match token(request.headers()) {
        Some(token) => Caller((services.authenticate)(token.to_owned()).await.map(Arc::new)),
        None => Caller::default(),
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
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
        match parts.extensions.get().cloned().unwrap_or_default() {
            Caller(Some(record)) if record.is_superuser() => Ok(Superuser),
            Caller(Some(_)) => {
                Err(ApiError::forbidden("The authorized record is not allowed to perform this action."))
            }
            Caller(None) => {
                Err(ApiError::unauthorized("The request requires valid record authorization token."))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
