//! The secrets of a data directory.

use crate::cli::{DataDirectory, environment};
use crate::failure::Failure;
use gate_records::secrets::{Keyring, SecretError, Secrets};
use gate_store::{Location, Store};
use std::env;

/// An open store and the secrets in it.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) secrets: Secrets,
}

impl Opened {
    /// Opens the records and finds the master key; makes either when it is missing.
    pub(super) async fn open(directory: &DataDirectory) -> Result<Self, Failure> {
        let store = Store::open(directory.location()).await.map_err(Failure::other)?;
        let default_env = env::var(environment::SECRETS_DEFAULT_ENV).unwrap_or_default();
        let secrets = Secrets::new(store.clone(), keyring(directory)?, &default_env);
        Ok(Opened { store, secrets })
    }

    /// Closes the store, and tells in words what could not be done.
    pub(super) async fn end<T>(self, outcome: Result<T, SecretError>) -> Result<T, Failure> {
        self.store.close().await;
        outcome.map_err(|error| match error {
            SecretError::Disabled => Failure::other(
                "there is no master key: set POCKETGATE_MASTER_KEY to what `openssl rand -hex 32` prints",
            ),
            SecretError::Invalid(errors) => {
                Failure::other(format_args!("the secret cannot be stored:\n{errors}"))
            }
            error => Failure::other(error),
        })
    }
}

/// The master keys of the environment and of the data directory, where one is made if there is none. Gateways that
/// share a PostgreSQL have to share a key too, which no file of one machine can see to: there, none is made.
pub(crate) fn keyring(directory: &DataDirectory) -> Result<Option<Keyring>, Failure> {
    let read_environment = |name: &str| env::var(name).ok();
    match directory.location() {
        Location::Directory(path) => Keyring::open_or_create(&path, read_environment).map(Some),
        Location::Postgres { directory, .. } => Keyring::open(&directory, read_environment),
    }
    .map_err(Failure::other)
}
