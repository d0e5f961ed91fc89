//! `pocketgate superuser list`.

use super::open::open_existing;
use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;

/// Show the superusers: id, when they were made, address
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    #[command(flatten)]
    directory: DataDirectory,
}

impl ListArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let opened = open_existing(&self.directory).await?;
        let outcome = opened.superusers.list().await;
        let superusers = opened.end(outcome).await?;
        let lines = superusers.iter().map(|one| format!("{}  {}  {}\n", one.id, one.created, one.email));
        stdout::print(lines.collect::<String>())
    }
}
