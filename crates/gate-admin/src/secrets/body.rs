//! What a secret looks like in a response.

use gate_records::secrets::Secret;
use serde::Serialize;

/// A secret with as much of its value as may be shown.
#[derive(Serialize)]
pub(crate) struct SecretBody {
    id: String,
    key: String,
    masked_value: String,
    env: String,
    description: String,
    created: String,
    updated: String,
}

impl From<Secret> for SecretBody {
    fn from(secret: Secret) -> Self {
        let Secret { id, key, env, description, masked_value, unreadable: _, created, updated } = secret;
        SecretBody { id, key, masked_value, env, description, created, updated }
    }
}
