//! `POST /api/collections/{collection}/impersonate/{id}`.

use super::collection::{auth_collection, no_auth_collection};
use super::login::{LoginBody, not_loaded, unreadable};
use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::path::Path;
use crate::payload::Payload;
use crate::services::Shared;
use axum::extract::State;
use serde_json::Value;

/// Gives a superuser a token of somebody else.
pub(crate) async fn impersonate(
    _: Superuser,
    State(services): State<Shared>,
    Path((collection, id)): Path<(String, String)>,
    payload: Result<Payload, ApiError>,
) -> Result<Json<LoginBody>, ApiError> {
    // PocketBase does not tell here whether the collection is none at all.
    let collection = auth_collection(&collection).map_err(|_| no_auth_collection())?;
    let Payload(body) = payload.map_err(unreadable)?;
    let seconds = match body.get("duration") {
        None | Some(Value::Null) => 0,
        Some(duration) => duration.as_i64().ok_or_else(not_loaded)?,
    };
    let login = services.authenticator.impersonate(collection, &id, seconds).await?;
    Ok(Json(login.into()))
}
