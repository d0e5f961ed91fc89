//! Keeps `docs/guide/cli.md` true: its tables are compared with the command line itself.

use super::command_line::command;
use clap::{Arg, ArgAction, Command};
use std::borrow::Cow;

const GUIDE: &str = include_str!("../../../../docs/guide/cli.md");

#[test]
fn the_guide_lists_every_command_and_flag() {
    for (name, command) in leaves("pocketgate", &command()) {
        let expected = rows(&command);
        let section = section(&name);
        let found: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
        assert!(found == expected, "the table of `{name}` should be:\n{HEAD}\n{}\n", expected.join("\n"));
    }
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
    let heading = format!("\n## `{name}`\n");
    let (_, section) = GUIDE.split_once(&heading).unwrap_or_else(|| panic!("the guide lacks{heading}"));
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
    let cells = [format!("`{}`", usage(argument)), environment, defaults(argument), meaning(argument)];
    format!("| {} |", cells.map(|cell| cell.replace('|', "\\|").replace('\n', " ")).join(" | "))
}

/// `--flag VALUE`, `ARGUMENT`, with `…` where it may be given several times.
fn usage(argument: &Arg) -> String {
    let flag = argument.get_long().map(|long| format!("--{long}"));
    let value = argument.get_action().takes_values().then(|| argument.get_value_names().unwrap().join(" "));
    let several = matches!(argument.get_action(), ArgAction::Append).then(|| "…".to_owned());
    [flag, value, several].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn defaults(argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    quoted(argument.get_default_values().iter().map(|value| value.to_string_lossy()))
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_help().expect("an argument without help").to_string();
    let choices = argument.get_possible_values();
    if choices.is_empty() || !argument.get_action().takes_values() {
        return help;
    }
    format!("{help}: {}", quoted(choices.iter().map(|choice| choice.get_name().into())))
}

fn quoted<'a>(values: impl Iterator<Item = Cow<'a, str>>) -> String {
    values.map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
}
