//! Somebody a request is made for.

use crate::records::AuthRecord;
use std::time::SystemTime;

/// Somebody a request is made for.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Their record, and where it lives.
    pub record: AuthRecord,
    /// When whoever remembers this has to ask again at the latest: the token expires, or what another service said of
    /// it is too old.
    pub expires_at: SystemTime,
}

/// Nobody knows at this moment whose token it is, because those who would cannot be asked. Not the same as a token
/// that is nobody's: a guest may be let in where the owner of the token is not, and the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be found out at this moment whose token it is")]
pub struct Unavailable;
