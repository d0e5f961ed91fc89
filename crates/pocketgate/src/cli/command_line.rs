//! The whole command line, and how it is read.

use super::backup::BackupArgs;
use super::completions::CompletionsArgs;
use super::migrate_store::MigrateStoreArgs;
use super::proxies::ProxiesArgs;
use super::secrets::SecretsArgs;
use super::serve::ServeArgs;
use super::superuser::SuperuserArgs;
use super::{stdout, usage, version};
use crate::failure::Failure;
use clap::{CommandFactory, Error, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;

/// A gateway between front-ends and the services they must not reach directly
#[derive(Parser, Debug)]
#[command(
    name = "pocketgate",
    version = version::TEXT.as_str(),
    arg_required_else_help = false,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  pocketgate proxies add --path /-/ai --upstream https://api.openai.com/v1 \\
      --access-rule true --header 'Authorization: Bearer {env.OPENAI_KEY}'
  pocketgate serve --http 127.0.0.1:8090
  curl http://127.0.0.1:8090/-/ai/models

Each command has its own --help. Logs go to standard error; POCKETGATE_LOG sets their level (info)."
)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Serve(Box<ServeArgs>),
    Proxies(ProxiesArgs),
    Secrets(SecretsArgs),
    Superuser(SuperuserArgs),
    Backup(BackupArgs),
    MigrateStore(MigrateStoreArgs),
    /// Print version, commit and platform
    Version,
    Completions(CompletionsArgs),
}

/// Reads the arguments (the program's name first) and does what they say.
pub(crate) fn run(arguments: &[OsString]) -> Result<(), Failure> {
    match parse(arguments) {
        Ok(line) => line.command.run(),
        Err(error) if error.use_stderr() => Err(usage::failure(&error, &command(), arguments)),
        Err(help_or_version) => stdout::written(help_or_version.print()),
    }
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Command::Serve(arguments) => arguments.run(),
            Command::Proxies(arguments) => arguments.run(),
            Command::Secrets(arguments) => arguments.run(),
            Command::Superuser(arguments) => arguments.run(),
            Command::Backup(arguments) => arguments.run(),
            Command::MigrateStore(arguments) => arguments.run(),
            Command::Version => version::print(),
            Command::Completions(arguments) => arguments.run(),
        }
    }
}

/// What the parser, the help, the completions and the check of the guide are made from.
pub(super) fn command() -> clap::Command {
    hide_environment_values(CommandLine::command())
}

pub(super) fn parse(arguments: &[OsString]) -> Result<CommandLine, Error> {
    CommandLine::from_arg_matches(&command().try_get_matches_from(arguments)?)
}

/// Help names the variables and keeps their values, some of which are nobody's business, to itself.
fn hide_environment_values(command: clap::Command) -> clap::Command {
    command.mut_args(|argument| argument.hide_env_values(true)).mut_subcommands(hide_environment_values)
}
