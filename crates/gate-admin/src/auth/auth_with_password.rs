//! `POST /api/collections/{collection}/auth-with-password`.

use super::collection::auth_collection;
use super::login::{LoginBody, text, unreadable};
use crate::client_address::ClientAddress;
use crate::error::ApiError;
use crate::json::Json;
use crate::path::Path;
use crate::payload::Texts;
use crate::services::Shared;
use axum::extract::State;
use gate_records::auth::Credentials;

/// Gives a token for a password.
pub(crate) async fn auth_with_password(
    State(services): State<Shared>,
    Path(collection): Path<String>,
    address: ClientAddress,
    payload: Result<Texts, ApiError>,
) -> Result<Json<LoginBody>, ApiError> {
    let collection = auth_collection(&collection)?;
    let Texts(body) = payload.map_err(unreadable)?;
    let credentials = Credentials {
        identity: text(&body, "identity")?,
        password: text(&body, "password")?,
        identity_field: text(&body, "identityField")?,
    };
    let login = services.authenticator.auth_with_password(collection, &credentials, address.ip()).await?;
    Ok(Json(login.into()))
}
