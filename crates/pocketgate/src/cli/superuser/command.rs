//! The commands below `pocketgate superuser`.

use super::account::AccountArgs;
use super::delete::DeleteArgs;
use super::list::ListArgs;
use crate::cli::runtime;
use crate::failure::Failure;
use clap::{Args, Subcommand};

/// Make, change, delete and list superusers
///
/// Works on the data directory, whether or not a gateway runs on it. A new password ends all tokens of its superuser.
#[derive(Args, Debug)]
pub(crate) struct SuperuserArgs {
    #[command(subcommand)]
    command: SuperuserCommand,
}

#[derive(Subcommand, Debug)]
enum SuperuserCommand {
    /// Make a superuser
    Create(AccountArgs),
    /// Make a superuser, or give the one with this address a new password
    Upsert(AccountArgs),
    /// Give a superuser a new password
    Update(AccountArgs),
    Delete(DeleteArgs),
    List(ListArgs),
}

impl SuperuserArgs {
    /// Does what was asked for, to the end.
    pub(crate) fn run(self) -> Result<(), Failure> {
        runtime::block_on(async {
            match self.command {
                SuperuserCommand::Create(arguments) => arguments.create().await,
                SuperuserCommand::Upsert(arguments) => arguments.upsert().await,
                SuperuserCommand::Update(arguments) => arguments.update().await,
                SuperuserCommand::Delete(arguments) => arguments.run().await,
                SuperuserCommand::List(arguments) => arguments.run().await,
            }
        })
    }
}
