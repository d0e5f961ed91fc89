//! `pocketgate backup restore`.

use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_store::{Location, backup_directory, restore};
use std::path::PathBuf;

/// Put a backup in the place of the records of a data directory
///
/// Refuses while a gateway runs on the directory. The records that are replaced are kept in a file beside them, whose name
/// is printed. To fill a PostgreSQL database, restore to a new directory and move the records with `migrate-store`.
#[derive(Args, Debug)]
pub(super) struct RestoreArgs {
    /// The backup: a file, or the name of one that `backup list` shows
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,

    #[command(flatten)]
    directory: DataDirectory,
}

impl RestoreArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        if let Location::Postgres { .. } = self.directory.location() {
            return Err(Failure::usage(
                "a backup is restored to a data directory; `pocketgate migrate-store` moves it to PostgreSQL from there",
            ));
        }
        let replaced = restore(&self.file(), &self.directory.path).await.map_err(Failure::other)?;
        match replaced {
            Some(path) => {
                stdout::print(format!("restored; the records from before are in {}\n", path.display()))
            }
            None => stdout::print("restored\n"),
        }
    }

    fn file(&self) -> PathBuf {
        let listed = backup_directory(&self.directory.path).join(&self.file);
        if !self.file.exists() && listed.is_file() { listed } else { self.file.clone() }
    }
}
