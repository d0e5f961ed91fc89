//! `pocketgate completions`: the script that lets a shell complete our commands and flags.

use super::{command_line, stdout};
use crate::failure::Failure;
use clap::Args;
use clap_complete::{Shell, generate};

/// Print the completion script of a shell
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  source <(pocketgate completions bash)
  pocketgate completions zsh > ~/.zfunc/_pocketgate
  pocketgate completions fish > ~/.config/fish/completions/pocketgate.fish")]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    /// Prints the script.
    pub(super) fn run(self) -> Result<(), Failure> {
        // Made in memory first: the generator panics when its writer fails.
        let mut script = Vec::new();
        generate(self.shell, &mut command_line::command(), "pocketgate", &mut script);
        stdout::print(script)
    }
}
