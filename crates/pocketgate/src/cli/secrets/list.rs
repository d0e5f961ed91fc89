//! `pocketgate secrets list`.

use super::open::Opened;
use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_records::secrets::BlobError;

/// Show the secrets: key, environment, the beginning of a long value, description
///
/// What cannot be read has the reason in the place of its value.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    #[command(flatten)]
    directory: DataDirectory,
}

impl ListArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let opened = Opened::existing(&self.directory).await?;
        let outcome = opened.secrets.list().await;
        let lines = opened.end(outcome).await?.into_iter().map(|secret| {
            let shown = secret.unreadable.map_or(secret.masked_value, |reason| format!("({})", why(reason)));
            let line = [secret.key, secret.env, shown, secret.description].join("  ");
            format!("{}\n", line.trim_end())
        });
        stdout::print(lines.collect::<String>())
    }
}

fn why(reason: BlobError) -> &'static str {
    match reason {
        BlobError::UnknownKey => "another master key",
        BlobError::Damaged | BlobError::NoRandomness => "damaged",
    }
}
