//! `pocketgate backup create`.

use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_records::Timestamp;
use gate_store::{Store, backup_directory};
use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};

/// Copy every record to a new file, and print its name
///
/// A gateway that runs goes on; the copy has the records of one moment. A PostgreSQL database is copied to the same kind
/// of file.
#[derive(Args, Debug)]
pub(super) struct CreateArgs {
    /// Where to write it; `backups` in the data directory, named by the time, when not given
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    to: Option<PathBuf>,

    #[command(flatten)]
    directory: DataDirectory,
}

impl CreateArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let store = Store::open(self.directory.existing()?).await.map_err(Failure::other)?;
        let to = match self.to {
            Some(file) => file,
            None => default_file(&self.directory.path)?,
        };
        let outcome = store.backup(&to).await;
        store.close().await;
        outcome.map_err(Failure::other)?;
        stdout::print(format!("{}\n", to.display()))
    }
}

fn default_file(directory: &Path) -> Result<PathBuf, Failure> {
    let backups = backup_directory(directory);
    create(&backups)
        .map_err(|error| Failure::other(format_args!("failed to create {}: {error}", backups.display())))?;
    Ok(backups.join(format!("pocketgate_{}.db", file_name_of(&Timestamp::now().to_string()))))
}

fn create(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// `2006-01-02 15:04:05.000Z` as every file system takes it: `20060102_150405000`.
fn file_name_of(time: &str) -> String {
    time.chars().filter_map(|c| if c == ' ' { Some('_') } else { c.is_ascii_digit().then_some(c) }).collect()
}
