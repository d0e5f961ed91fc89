//! `pocketgate secrets rotate`.

use super::open::Opened;
use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;

/// Encrypt every secret with a new master key
///
/// Where the master key is in the file master.key of the data directory, a new one is made; a gateway that runs goes on
/// with it. Where it is in POCKETGATE_MASTER_KEY, that is the new one: start the gateway with it, and with the old one
/// in POCKETGATE_MASTER_KEY_PREVIOUS, then run this with the same two, and the old one can go.
#[derive(Args, Debug)]
pub(super) struct RotateArgs {
    #[command(flatten)]
    directory: DataDirectory,
}

impl RotateArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let opened = Opened::existing(&self.directory).await?;
        let outcome = opened.secrets.rotate().await;
        let rotated = opened.end(outcome).await?;
        stdout::print(format!("encrypted with the new key: {rotated}\n"))
    }
}
