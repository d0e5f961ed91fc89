//! A wrong command line, told in one sentence.

use crate::failure::Failure;
use clap::error::{ContextKind, ErrorKind};
use clap::{Command, Error};
use std::ffi::OsString;

/// Turns what the parser found into one sentence (exit code 2).
///
/// The parser's own text has the mistake, its hints and the usage in paragraphs; the mistake and the hints are kept.
pub(super) fn failure(error: &Error, command: &Command, line: &[OsString]) -> Failure {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::usage("a command is missing; see --help");
    }
    let text = error.render().to_string().replace("subcommand", "command");
    let mut paragraphs = text.trim_start_matches("error: ").split("\n\n").map(one_line);
    let mistake = paragraphs.next().unwrap_or_default();
    let source = set_by(error, command, line).map(|name| format!(" (set by {name})")).unwrap_or_default();
    let hints: String =
        paragraphs.filter_map(|hint| hint.strip_prefix("tip: ").map(|hint| format!("; {hint}"))).collect();
    Failure::usage(format_args!("{mistake}{source}{hints}; see --help"))
}

fn one_line(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The environment variable a bad value came from: one that is set, for a flag that is complained about and that the
/// line does not hold.
fn set_by(error: &Error, command: &Command, line: &[OsString]) -> Option<String> {
    let flag = error.get(ContextKind::InvalidArg)?.to_string();
    let long = flag.split([' ', '=']).next()?.strip_prefix("--")?;
    let on_the_line = |word: &OsString| {
        word.to_string_lossy().strip_prefix("--").is_some_and(|word| word.split('=').next() == Some(long))
    };
    if line.iter().any(on_the_line) {
        return None;
    }
    let name = variable_of(command, long)?;
    std::env::var_os(&name).map(|_| name)
}

fn variable_of(command: &Command, long: &str) -> Option<String> {
    let own = command.get_arguments().find(|argument| argument.get_long() == Some(long));
    own.and_then(|argument| Some(argument.get_env()?.to_string_lossy().into_owned()))
        .or_else(|| command.get_subcommands().find_map(|inner| variable_of(inner, long)))
}
