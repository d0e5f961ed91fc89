//! `POST /api/collections/{collection}/auth-refresh`.

use super::collection::any_collection;
use super::login::{LoginBody, no_token};
use crate::caller;
use crate::error::ApiError;
use crate::json::Json;
use crate::path::Path;
use crate::services::Shared;
use axum::extract::State;
use http::HeaderMap;

/// Gives a new token for one that may be refreshed, and the same one for one that may not.
pub(crate) async fn auth_refresh(
    State(services): State<Shared>,
    Path(collection): Path<String>,
    headers: HeaderMap,
) -> Result<Json<LoginBody>, ApiError> {
    let collection = any_collection(&collection)?;
    let token = caller::token(&headers).ok_or_else(no_token)?;
    let login = services.authenticator.auth_refresh(collection, token).await?;
    Ok(Json(login.into()))
}
