//! Tokens as PocketBase makes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

/// How long a token is valid: longer than any test.
const VALID: Duration = Duration::from_secs(3600);

/// The token of a record, signed with its `tokenKey` and the secret of its collection.
pub fn auth_token(collection_id: &str, record_id: &str, token_key: &str, secret: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    let claims = json!({
        "collectionId": collection_id, "exp": (now + VALID).as_secs(), "id": record_id,
        "refreshable": true, "type": "auth",
    });
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(&claims.to_string()));
    let key = format!("{token_key}{secret}");
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any key will do").chain_update(&signed);
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}
