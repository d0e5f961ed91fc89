//! `pocketgate secrets list`.

use super::open::Opened;
use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;

/// Show the secrets: key, environment, the beginning of a long value, description
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    #[command(flatten)]
    directory: DataDirectory,
}

impl ListArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let opened = Opened::open(&self.directory).await?;
        let outcome = opened.secrets.list().await;
        let lines = opened.end(outcome).await?.into_iter().map(|secret| {
            let line = [secret.key, secret.env, secret.masked_value, secret.description].join("  ");
            format!("{}\n", line.trim_end())
        });
        stdout::print(lines.collect::<String>())
    }
}
