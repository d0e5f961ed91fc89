//! The commands below `pocketgate secrets`.

use super::list::ListArgs;
use super::remove::RemoveArgs;
use super::rotate::RotateArgs;
use super::set::SetArgs;
use crate::cli::runtime;
use crate::failure::Failure;
use clap::{Args, Subcommand};

/// Set, list and remove secrets, and change the key they are encrypted with
///
/// Works on the data directory, whether or not a gateway runs on it: one that runs takes every change over at once.
#[derive(Args, Debug)]
pub(crate) struct SecretsArgs {
    #[command(subcommand)]
    command: SecretsCommand,
}

#[derive(Subcommand, Debug)]
enum SecretsCommand {
    Set(SetArgs),
    List(ListArgs),
    Remove(RemoveArgs),
    Rotate(RotateArgs),
}

impl SecretsArgs {
    /// Does what was asked for, to the end.
    pub(crate) fn run(self) -> Result<(), Failure> {
        runtime::block_on(async {
            match self.command {
                SecretsCommand::Set(arguments) => arguments.run().await,
                SecretsCommand::List(arguments) => arguments.run().await,
                SecretsCommand::Remove(arguments) => arguments.run().await,
                SecretsCommand::Rotate(arguments) => arguments.run().await,
            }
        })
    }
}
