//! Keeps `docs/guide/cli.md` true: its tables are compared with the command line itself.

use super::command_line::command;
use clap::{Arg, ArgAction, Command};
use std::borrow::Cow;

const GUIDE: &str = include_str!("../../../../docs/guide/cli.md");

#[test]
fn the_guide_lists_every_command_and_flag() {
    let stale: String = leaves("pocketgate", &command()).iter().filter_map(correction).collect();
    assert!(stale.is_empty(), "docs/guide/cli.md should read:\n{stale}");
}

/// What a command's section should hold instead of what it does hold.
fn correction((name, command): &(String, Command)) -> Option<String> {
    let expected = rows(command);
    let found: Vec<&str> = section(name).lines().filter(|line| line.starts_with("| `")).collect();
    (found != expected).then(|| format!("\n## `{name}`\n\n{HEAD}\n{}\n", expected.join("\n")))
}

const HEAD: &str = "| argument | environment | default | meaning |\n|---|---|---|---|";

/// The commands that do something, with their whole names.
fn leaves(name: &str, command: &Command) -> Vec<(String, Command)> {
    let inner: Vec<_> = command
        .get_subcommands()
        .flat_map(|inner| leaves(&format!("{name} {}", inner.get_name()), inner))
        .collect();
    if inner.is_empty() { vec![(name.to_owned(), command.clone())] } else { inner }
}

fn section(name: &str) -> &'static str {
    let (_, section) = GUIDE.split_once(&format!("\n## `{name}`\n")).unwrap_or_default();
    section.split("\n## ").next().unwrap()
}

fn rows(command: &Command) -> Vec<String> {
    let mut command = command.clone();
    command.build();
    let described = command.get_arguments().filter(|argument| argument.get_id() != "help");
    described.map(row).collect()
}

fn row(argument: &Arg) -> String {
    let environment = quoted(argument.get_env().iter().map(|name| name.to_string_lossy()));
    let cells = [format!("`{}`", usage(argument)), environment, default(argument), meaning(argument)];
    format!("| {} |", cells.map(|cell| cell.replace('|', "\\|").replace('\n', " ")).join(" | "))
}

/// `--flag VALUE`, `ARGUMENT`, with `…` where it may be given several times.
fn usage(argument: &Arg) -> String {
    let flag = argument.get_long().map(|long| format!("--{long}"));
    let value = argument.get_action().takes_values().then(|| value(argument));
    let several = matches!(argument.get_action(), ArgAction::Append).then(|| "…".to_owned());
    [flag, value, several].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// In brackets where it may be left out.
fn value(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap().join(" ");
    let optional = argument.get_num_args().is_some_and(|numbers| numbers.min_values() == 0);
    if optional { format!("[{names}]") } else { names }
}

fn default(argument: &Arg) -> String {
    if argument.is_required_set() {
        return "required".to_owned();
    }
    let values = argument.get_default_values().iter().filter(|_| argument.get_action().takes_values());
    quoted(values.map(|value| value.to_string_lossy()))
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_help().expect("an argument without help").to_string();
    let choices = argument.get_possible_values();
    let choices =
        choices.iter().filter(|choice| !choice.is_hide_set()).map(|choice| choice.get_name().into());
    match quoted(choices) {
        choices if choices.is_empty() || !argument.get_action().takes_values() => help,
        choices => format!("{help}: {choices}"),
    }
}

fn quoted<'a>(values: impl Iterator<Item = Cow<'a, str>>) -> String {
    values.map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
}
