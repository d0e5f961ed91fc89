//! The superusers of a data directory.

use crate::cli::DataDirectory;
use crate::failure::Failure;
use gate_records::auth::{Passwords, Superusers};
use gate_store::{Location, Store};

/// An open store and the superusers in it.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) superusers: Superusers,
}

/// Opens the records; makes the data directory when it is missing.
pub(super) async fn open(directory: &DataDirectory) -> Result<Opened, Failure> {
    open_at(directory.location()).await
}

/// Opens records that are there.
pub(super) async fn open_existing(directory: &DataDirectory) -> Result<Opened, Failure> {
    open_at(directory.existing()?).await
}

async fn open_at(location: Location) -> Result<Opened, Failure> {
    let store = Store::open(location).await.map_err(Failure::other)?;
    let superusers = Superusers::new(store.clone(), Passwords::default());
    Ok(Opened { store, superusers })
}
