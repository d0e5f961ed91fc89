//! `pocketgate superuser delete`.

use super::open::open_existing;
use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;

/// Delete a superuser, unless it is the last one
#[derive(Args, Debug)]
pub(super) struct DeleteArgs {
    /// The e-mail address they log in with
    #[arg(value_name = "EMAIL")]
    email: String,

    #[command(flatten)]
    directory: DataDirectory,
}

impl DeleteArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let opened = open_existing(&self.directory).await?;
        let outcome = opened.superusers.delete(&self.email).await;
        opened.end(outcome).await?;
        stdout::print(format!("deleted superuser {}\n", self.email))
    }
}
