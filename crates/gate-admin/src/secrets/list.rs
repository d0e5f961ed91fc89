//! `GET /api/secrets`.

use super::body::SecretBody;
use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::services::Shared;
use axum::extract::State;
use serde::Serialize;

/// Every secret.
#[derive(Serialize)]
pub(crate) struct SecretList {
    items: Vec<SecretBody>,
    total: usize,
}

/// Shows every secret, by key and environment.
pub(crate) async fn list(_: Superuser, State(services): State<Shared>) -> Result<Json<SecretList>, ApiError> {
    let items: Vec<_> = services.secrets.list().await?.into_iter().map(SecretBody::from).collect();
    let total = items.len();
    Ok(Json(SecretList { items, total }))
}
