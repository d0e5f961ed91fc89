//! The commands below `pocketgate proxies`.

use super::add::AddArgs;
use super::export::ExportArgs;
use super::import::ImportArgs;
use super::list::ListArgs;
use super::remove::RemoveArgs;
use super::update::UpdateArgs;
use crate::cli::runtime;
use crate::failure::Failure;
use clap::{Args, Subcommand};

/// Add, change, list, remove, export and import proxies
///
/// Works on the data directory, whether or not a gateway runs on it: one that runs takes every change over at once.
#[derive(Args, Debug)]
pub(crate) struct ProxiesArgs {
    #[command(subcommand)]
    command: ProxiesCommand,
}

#[derive(Subcommand, Debug)]
enum ProxiesCommand {
    Add(Box<AddArgs>),
    Update(Box<UpdateArgs>),
    List(ListArgs),
    Remove(RemoveArgs),
    Export(ExportArgs),
    Import(ImportArgs),
}

impl ProxiesArgs {
    /// Does what was asked for, to the end.
    pub(crate) fn run(self) -> Result<(), Failure> {
        runtime::block_on(self.command.run())
    }
}

impl ProxiesCommand {
    async fn run(self) -> Result<(), Failure> {
        match self {
            ProxiesCommand::Add(arguments) => arguments.run().await,
            ProxiesCommand::Update(arguments) => arguments.run().await,
            ProxiesCommand::List(arguments) => arguments.run().await,
            ProxiesCommand::Remove(arguments) => arguments.run().await,
            ProxiesCommand::Export(arguments) => arguments.run().await,
            ProxiesCommand::Import(arguments) => arguments.run().await,
        }
    }
}
