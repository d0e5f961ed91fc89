//! `GET /api/collections/{collection}/auth-methods`.

use super::collection::auth_collection;
use crate::error::ApiError;
use crate::json::Json;
use crate::path::Path;
use gate_records::auth::IDENTITY_FIELDS;
use serde_json::{Value, json};

/// Says how somebody can log in: with an address and a password. The last three members are for SDKs of before.
pub(crate) async fn auth_methods(Path(collection): Path<String>) -> Result<Json<Value>, ApiError> {
    auth_collection(&collection)?;
    Ok(Json(json!({
        "password": {"identityFields": IDENTITY_FIELDS, "enabled": true},
        "oauth2": {"providers": [], "enabled": false},
        "mfa": {"enabled": false, "duration": 0},
        "otp": {"enabled": false, "duration": 0},
        "authProviders": null,
        "usernamePassword": false,
        "emailPassword": true,
    })))
}
