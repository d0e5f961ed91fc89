//! `DELETE /api/secrets/{key}`.

use super::error::not_written;
use crate::caller::Superuser;
use crate::error::ApiError;
use crate::path::Path;
use crate::query::Query;
use crate::request_info::Info;
use crate::services::Shared;
use axum::extract::State;
use gate_records::collections::SECRETS;
use gate_records::records::{Write, WriteKind};
use gate_records::secrets::SecretName;
use http::StatusCode;

/// Deletes a secret.
pub(crate) async fn delete(
    _: Superuser,
    State(services): State<Shared>,
    Path(key): Path<String>,
    query: Query,
    info: Info,
) -> Result<StatusCode, ApiError> {
    let secret = services.secrets.view(SecretName::Key { key: &key, env: query.first("env") }).await?;
    let request = info.without_body();
    let write = Write { collection: &SECRETS, kind: WriteKind::Delete { id: secret.id }, request };
    services.records.write(write).await.map_err(not_written)?;
    Ok(StatusCode::NO_CONTENT)
}
