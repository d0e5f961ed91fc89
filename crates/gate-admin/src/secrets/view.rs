//! `GET /api/secrets/{key}`.

use super::body::SecretBody;
use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::path::Path;
use crate::query::Query;
use crate::services::Shared;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use gate_records::secrets::SecretName;
use serde::Serialize;

/// What the fork answers; only where the operator asked for it (`--secrets-reveal`).
#[derive(Serialize)]
struct Revealed<'a> {
    key: &'a str,
    value: &'a str,
}

/// Shows one secret.
pub(crate) async fn view(
    _: Superuser,
    State(services): State<Shared>,
    Path(key): Path<String>,
    query: Query,
) -> Result<Response, ApiError> {
    let name = SecretName::Key { key: &key, env: query.first("env") };
    if services.reveal_secrets {
        let value = services.secrets.reveal(name).await?;
        return Ok(Json(Revealed { key: &key, value: value.expose() }).into_response());
    }
    Ok(Json(SecretBody::from(services.secrets.view(name).await?)).into_response())
}
