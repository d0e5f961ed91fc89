//! The commands below `pocketgate backup`.

use super::create::CreateArgs;
use super::list::ListArgs;
use super::restore::RestoreArgs;
use crate::cli::runtime;
use crate::failure::Failure;
use clap::{Args, Subcommand};

/// Make, list and put back copies of the records
///
/// A backup is one file with every record and no logs. It has secrets in it as the records have them: keep it where you
/// would keep the data directory, and the master key somewhere else.
#[derive(Args, Debug)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    command: BackupCommand,
}

#[derive(Subcommand, Debug)]
enum BackupCommand {
    Create(CreateArgs),
    List(ListArgs),
    Restore(RestoreArgs),
}

impl BackupArgs {
    /// Does what was asked for, to the end.
    pub(crate) fn run(self) -> Result<(), Failure> {
        runtime::block_on(async {
            match self.command {
                BackupCommand::Create(arguments) => arguments.run().await,
                BackupCommand::List(arguments) => arguments.run(),
                BackupCommand::Restore(arguments) => arguments.run().await,
            }
        })
    }
}
