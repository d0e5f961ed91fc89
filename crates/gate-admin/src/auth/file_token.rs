//! `POST /api/files/token`.

use super::login::no_token;
use crate::caller;
use crate::error::ApiError;
use crate::json::Json;
use crate::services::Shared;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;

/// A token that fetches protected files, of which this program has none: SDKs ask for one beforehand.
#[derive(Serialize)]
pub(crate) struct FileToken {
    token: String,
}

/// Gives everyone who is somebody a token for files.
pub(crate) async fn file_token(
    State(services): State<Shared>,
    headers: HeaderMap,
) -> Result<Json<FileToken>, ApiError> {
    let token = caller::token(&headers).ok_or_else(no_token)?;
    Ok(Json(FileToken { token: services.authenticator.file_token(token).await? }))
}
