//! `pocketgate backup list`.

use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_records::Timestamp;
use gate_store::{Backup, backup_directory, backups};

/// Show the backups in the data directory, the newest first
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    #[command(flatten)]
    directory: DataDirectory,
}

impl ListArgs {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let directory = &self.directory.path;
        let found = backups(directory).map_err(|error| {
            Failure::other(format_args!("failed to read {}: {error}", backup_directory(directory).display()))
        })?;
        stdout::print(found.iter().map(line).collect::<String>())
    }
}

fn line(backup: &Backup) -> String {
    format!("{}  {:>12}  {}\n", Timestamp::from(backup.modified), backup.bytes, backup.name)
}
