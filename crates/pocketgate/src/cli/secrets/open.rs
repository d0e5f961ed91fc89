//! The secrets of a data directory.

use crate::cli::{DataDirectory, environment};
use crate::failure::Failure;
use gate_records::secrets::{Keyring, SecretError, Secrets};
use gate_store::{Location, SECRETS, Store};
use std::env;

/// An open store and the secrets in it.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) secrets: Secrets,
}

impl Opened {
    /// Opens the records and finds the master key; makes either when it is missing.
    pub(super) async fn open(directory: &DataDirectory) -> Result<Self, Failure> {
        Self::at(directory.location()).await
    }

    /// Opens records that are there and finds the master key.
    pub(super) async fn existing(directory: &DataDirectory) -> Result<Self, Failure> {
        Self::at(directory.existing()?).await
    }

    async fn at(location: Location) -> Result<Self, Failure> {
        let store = Store::open(location.clone()).await.map_err(Failure::other)?;
        let default_env = env::var(environment::SECRETS_DEFAULT_ENV).unwrap_or_default();
        match find_master_key(&location, &store).await? {
            MasterKey::Found(keyring) => {
                let secrets = Secrets::new(store.clone(), Some(keyring), &default_env);
                Ok(Opened { store, secrets })
            }
            MasterKey::Lost => Err(Failure::other(format_args!(
                "the secrets are encrypted with a master key that is not here; {WHERE_IT_MAY_BE}"
            ))),
            MasterKey::None => Err(Failure::other(
                "there is no master key: set POCKETGATE_MASTER_KEY to what `openssl rand -hex 32` prints",
            )),
        }
    }

    /// Closes the store, and tells in words what could not be done.
    pub(super) async fn end<T>(self, outcome: Result<T, SecretError>) -> Result<T, Failure> {
        self.store.close().await;
        outcome.map_err(|error| match error {
            SecretError::Invalid(errors) => {
                Failure::other(format_args!("the secret cannot be stored:\n{errors}"))
            }
            error => Failure::other(error),
        })
    }
}

/// The secrets of a gateway. One without a master key runs without them (contract §3.3), and says so.
pub(crate) async fn open_secrets(directory: &DataDirectory, store: &Store) -> Result<Secrets, Failure> {
    let default_env = env::var(environment::SECRETS_DEFAULT_ENV).unwrap_or_default();
    let keyring = match find_master_key(&directory.location(), store).await? {
        MasterKey::Found(keyring) => Some(keyring),
        MasterKey::Lost => {
            tracing::error!(
                "no secret can be read: they are encrypted with a master key that is not here; {WHERE_IT_MAY_BE}, and start again"
            );
            None
        }
        MasterKey::None => None,
    };
    Ok(Secrets::new(store.clone(), keyring, &default_env))
}

/// What there is to encrypt secrets with.
enum MasterKey {
    Found(Keyring),
    /// Nothing, but there are secrets that were encrypted with one: they came from another directory perhaps. A new key beside
    /// them would be the wrong one.
    Lost,
    /// Nothing, and none is made.
    None,
}

/// The master keys of the environment and of the data directory, where one is made if there is none and no secret either. Gateways
/// that share a PostgreSQL have to share a key too, which no file of one machine can see to: there, none is made.
async fn find_master_key(location: &Location, store: &Store) -> Result<MasterKey, Failure> {
    let read_environment = |name: &str| env::var(name).ok();
    let found = Keyring::open(location.directory(), read_environment).map_err(Failure::other)?;
    match (found, location) {
        (Some(keyring), _) => Ok(MasterKey::Found(keyring)),
        (None, Location::Postgres { .. }) => Ok(MasterKey::None),
        (None, Location::Directory(_)) if store.count(&SECRETS).await.map_err(Failure::other)? > 0 => {
            Ok(MasterKey::Lost)
        }
        (None, Location::Directory(directory)) => {
            let made = Keyring::open_or_create(directory, read_environment).map_err(Failure::other)?;
            Ok(MasterKey::Found(made))
        }
    }
}

const WHERE_IT_MAY_BE: &str = "copy the file master.key of the data directory they come from into this one, or set \
                               POCKETGATE_MASTER_KEY to what it holds";
