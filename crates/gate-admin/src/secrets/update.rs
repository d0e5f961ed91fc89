//! `PUT /api/secrets/{key}`.

use super::error::not_written;
use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::path::Path;
use crate::payload::Payload;
use crate::query::Query;
use crate::request_info::Info;
use crate::services::Shared;
use axum::extract::State;
use gate_records::collections::SECRETS;
use gate_records::records::{Write, WriteKind};
use gate_records::secrets::SecretName;
use serde::Serialize;

/// What was changed.
#[derive(Serialize)]
pub(crate) struct Updated {
    key: String,
    message: &'static str,
}

/// Changes a secret that is there: `{"value"?,"description"?}`. What is not mentioned stays.
pub(crate) async fn update(
    _: Superuser,
    State(services): State<Shared>,
    Path(key): Path<String>,
    query: Query,
    info: Info,
    Payload(mut body): Payload,
) -> Result<Json<Updated>, ApiError> {
    let secret = services.secrets.view(SecretName::Key { key: &key, env: query.first("env") }).await?;
    body.retain(|member, _| ["value", "description"].contains(&member.as_str()));
    let request = info.with(Payload(body));
    let write = Write { collection: &SECRETS, kind: WriteKind::Update { id: secret.id }, request };
    services.records.write(write).await.map_err(not_written)?;
    Ok(Json(Updated { key, message: "Secret updated successfully" }))
}
