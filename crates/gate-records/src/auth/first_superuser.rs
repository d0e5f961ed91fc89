//! How a gateway that was never set up gets its first superuser.

use super::{Authenticator, Login, LoginError, SuperuserError, Superusers, Throttled};
use crate::collections::SUPERUSERS;
use gate_store::StoreError;
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The link with which the first superuser is made in the browser.
///
/// A gateway that starts without a superuser prints `/_/#/setup/TOKEN`. Whoever has it makes the first superuser with
/// `POST /api/gateway/setup`, once. The token is kept in memory alone: a gateway that is started again prints another
/// one, and as soon as there is a superuser, from wherever, none is worth anything. Behind the `#` it is never sent to
/// a server or written to its log by opening the link.
pub struct FirstSuperuser {
    superusers: Superusers,
    authenticator: Authenticator,
    /// What the token hashes to, until it was used.
    expected: Mutex<Option<[u8; 32]>>,
}

/// Why there is still no superuser, or not a new one.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Not the token, or not any more.
    #[error("the setup link is not valid or was used already")]
    NotValid,
    /// Somebody tries many of them.
    #[error(transparent)]
    Throttled(Throttled),
    /// The superuser cannot be made.
    #[error(transparent)]
    Superuser(SuperuserError),
    /// The superuser was made and cannot log in.
    #[error(transparent)]
    Login(LoginError),
}

impl FirstSuperuser {
    /// Makes a token if there is no superuser; it is returned this once. While the store is away nobody knows whether
    /// there is one, so no token is made.
    pub async fn open(
        superusers: Superusers,
        authenticator: Authenticator,
    ) -> Result<(Self, Option<String>), SuperuserError> {
        let is_first = match superusers.count().await {
            Err(SuperuserError::Store(StoreError::Unavailable(_))) => false,
            count => count? == 0,
        };
        let token = is_first.then(|| Alphanumeric.sample_string(&mut rand::rng(), TOKEN_CHARACTERS));
        let expected = Mutex::new(token.as_deref().map(digest));
        Ok((FirstSuperuser { superusers, authenticator, expected }, token))
    }

    /// Makes the first superuser and logs them in.
    pub async fn create(
        &self,
        token: &str,
        email: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<Login, SetupError> {
        let throttle = self.authenticator.throttle();
        let attempt = throttle.admit(address, "setup", Instant::now()).map_err(SetupError::Throttled)?;
        // Digests are compared: how long that takes says nothing about the token.
        if *self.expected() != Some(digest(token)) {
            return Err(SetupError::NotValid);
        }
        attempt.take_back();
        let created = self.superusers.create_first(email, password).await;
        if matches!(created, Ok(_) | Err(SuperuserError::NotTheFirst)) {
            *self.expected() = None;
        }
        let row = created.map_err(|error| match error {
            SuperuserError::NotTheFirst => SetupError::NotValid,
            error => SetupError::Superuser(error),
        })?;
        self.authenticator.login(&SUPERUSERS, &row).await.map_err(SetupError::Login)
    }

    fn expected(&self) -> MutexGuard<'_, Option<[u8; 32]>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FirstSuperuser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_open = self.expected().is_some();
        f.debug_struct("FirstSuperuser").field("is_open", &is_open).finish_non_exhaustive()
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// 190 random bits.
const TOKEN_CHARACTERS: usize = 32;
