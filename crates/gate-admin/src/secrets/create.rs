//! `POST /api/secrets`.

use super::error::not_written;
use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::payload::Payload;
use crate::request_info::Info;
use crate::services::Shared;
use axum::extract::State;
use gate_records::collections::SECRETS;
use gate_records::records::{Write, WriteKind};
use serde::Serialize;

/// What was made.
#[derive(Serialize)]
pub(crate) struct Created {
    key: String,
    env: String,
    message: &'static str,
}

/// Makes a secret from `{"key","value","env"?,"description"?}`. One that is there is not overwritten.
pub(crate) async fn create(
    _: Superuser,
    State(services): State<Shared>,
    info: Info,
    Payload(mut body): Payload,
) -> Result<Json<Created>, ApiError> {
    body.retain(|member, _| ["key", "value", "env", "description"].contains(&member.as_str()));
    let request = info.with(Payload(body));
    let write = Write { collection: &SECRETS, kind: WriteKind::Create, request };
    let written = services.records.write(write).await.map_err(not_written)?;
    let text = |field| written.change.record().map_or("", |record| record.text(field)).to_owned();
    Ok(Json(Created { key: text("key"), env: text("env"), message: "Secret created successfully" }))
}
