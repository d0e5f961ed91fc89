//! Tokens: JSON Web Tokens as PocketBase makes them, HS256 and nothing else (contract §1.6).
//!
//! Written out here rather than taken from a library for JWTs: one algorithm and five claims are less code than the
//! options that would turn everything else off. What is no token of ours in any respect is refused, never repaired,
//! and whoever sent it does not learn why.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// What a token says, in the order PocketBase writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    /// The id of the collection the record is in.
    pub collection_id: String,
    /// When it stops being valid, in seconds since 1970.
    pub exp: i64,
    /// The id of the record.
    pub id: String,
    /// Whether auth-refresh makes a new one of it; not of one made by impersonation. A file token says nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refreshable: Option<bool>,
    /// What it may be used for.
    #[serde(rename = "type")]
    pub kind: TokenKind,
}

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// To be somebody.
    Auth,
    /// To fetch a protected file.
    File,
}

impl Claims {
    /// The moment it stops being valid.
    pub fn expires_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(u64::try_from(self.exp).unwrap_or(0))
    }

    /// The token.
    pub fn sign(&self, key: &SigningKey) -> String {
        // Strings, a number and a flag: there is nothing in it that JSON cannot hold.
        let claims = serde_json::to_vec(self).unwrap_or_default();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims));
        let signature = key.mac(signed.as_bytes()).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// What tokens of one record are signed with. Wiped when dropped.
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// The key of the record with this `tokenKey` in the collection with this secret: a change of either ends every
    /// token there is.
    ///
    /// # Errors
    /// [`InvalidToken`] when either is too short to be secret: a row that somebody wrote by hand must not be a record
    /// whose tokens anybody can make.
    pub fn new(token_key: &str, collection_secret: &str) -> Result<Self, InvalidToken> {
        if token_key.len() < SECRET_BYTES_MIN || collection_secret.len() < SECRET_BYTES_MIN {
            return Err(InvalidToken);
        }
        let key = Zeroizing::new([token_key, collection_secret].concat());
        Hmac::new_from_slice(key.as_bytes()).map(SigningKey).map_err(|_| InvalidToken)
    }

    fn mac(&self, signed: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(signed)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

/// Not a token, or none that is valid now. Why is nobody's business: each reason told apart helps to guess the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is not valid")]
pub struct InvalidToken;

/// A token in the right form and not expired, of which nobody knows yet who signed it: good for nothing but finding
/// the key to verify it with.
pub struct UnverifiedToken<'a> {
    claims: Claims,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> UnverifiedToken<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// [`InvalidToken`] when it is longer than any of ours, is not in the form of ours, names another algorithm, has
    /// a claim missing, twice or of the wrong type, has expired, or is not valid yet.
    pub fn parse(token: &'a str, now: SystemTime) -> Result<Self, InvalidToken> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(InvalidToken);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(InvalidToken)?;
        let (header, claims) = signed.split_once('.').ok_or(InvalidToken)?;
        let header: ReceivedHeader = from_json(&decode(header)?)?;
        let claims: ReceivedClaims = from_json(&decode(claims)?)?;
        if header.alg != "HS256" || header.typ.is_some_and(|typ| typ != "JWT") || !claims.is_valid_at(now) {
            return Err(InvalidToken);
        }
        Ok(UnverifiedToken { claims: claims.into(), signed, signature: decode(signature)? })
    }

    /// What it claims; not to be believed.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// What it says, if it was signed with this key. The comparison takes the same time for every signature.
    ///
    /// # Errors
    /// [`InvalidToken`] when it was signed with another key, or not at all.
    pub fn verify(self, key: &SigningKey) -> Result<Claims, InvalidToken> {
        let mac = key.mac(self.signed.as_bytes());
        mac.verify_slice(&self.signature).map(|()| self.claims).map_err(|_| InvalidToken)
    }
}

/// Nothing but these two members: `kid`, `jku`, `jwk`, `x5u`, `crit` and whatever else would have a say in how a token
/// is verified is never ours. Of a member that is there twice the parser makes an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceivedHeader {
    alg: String,
    typ: Option<String>,
}

/// Numbers are whole: PocketBase writes no others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReceivedClaims {
    collection_id: String,
    /// PocketBase would take a token without it; we do not (contract D-16).
    exp: i64,
    id: String,
    refreshable: Option<bool>,
    #[serde(rename = "type")]
    kind: TokenKind,
    /// PocketBase never writes the following two, but whoever does means them.
    nbf: Option<i64>,
    iat: Option<i64>,
}

impl ReceivedClaims {
    /// Without leeway: tokens are made and read by the same clock.
    fn is_valid_at(&self, now: SystemTime) -> bool {
        let now = unix_seconds(now);
        let not_before = self.nbf.into_iter().chain(self.iat).max().unwrap_or(i64::MIN);
        not_before <= now && now < self.exp
    }
}

impl From<ReceivedClaims> for Claims {
    fn from(received: ReceivedClaims) -> Self {
        let ReceivedClaims { collection_id, exp, id, refreshable, kind, .. } = received;
        Claims { collection_id, exp, id, refreshable, kind }
    }
}

/// Seconds since 1970; a clock before that is taken to be at its beginning.
pub(crate) fn unix_seconds(moment: SystemTime) -> i64 {
    let seconds = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// Without padding, without white space, without bits left over: every token has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, InvalidToken> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| InvalidToken)
}

fn from_json<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, InvalidToken> {
    serde_json::from_slice(json).map_err(|_| InvalidToken)
}

/// As PocketBase writes it.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
/// PocketBase's own minimum of both parts of a key.
const SECRET_BYTES_MIN: usize = 30;
/// Ours have about 250 bytes; 4 KiB leave room for the claims somebody's PocketBase adds.
const TOKEN_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests;
