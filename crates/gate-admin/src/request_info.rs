//! What rules may know of a request.

use crate::caller::Caller;
use crate::client_address::ClientAddress;
use crate::error::ApiError;
use crate::headers;
use crate::payload::Payload;
use crate::query::Query;
use axum::extract::FromRequestParts;
use gate_records::records::RequestInfo;
use http::request::Parts;

/// The request as rules see it, without its body.
pub(crate) struct Info(RequestInfo);

impl Info {
    /// Adds the body.
    pub(crate) fn with(self, Payload(body): Payload) -> RequestInfo {
        RequestInfo { body, ..self.0 }
    }

    /// For a request that has none.
    pub(crate) fn without_body(self) -> RequestInfo {
        self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Info {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Caller(auth) = Caller::from_request_parts(parts, state).await?;
        Ok(Info(RequestInfo {
            method: parts.method.as_str().to_owned(),
            headers: headers::for_rules(&parts.headers),
            query: Query::of(&parts.uri).into_parameters(),
            auth: auth.as_deref().cloned(),
            address: Some(ClientAddress::of(&parts.headers).ip()),
            ..RequestInfo::default()
        }))
    }
}
