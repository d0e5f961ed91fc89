//! Calls of the hot path, each by itself, as often as asked: `pocketgate-instructions parse 1000`.
//!
//! Run under callgrind with two numbers of repetitions, the difference is what the calls between cost, and
//! repeats exactly on any machine of one kind. `bench/instructions/count` does that.

mod case;
mod scene;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::case::CASES;
use crate::scene::Scene;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = arguments.first().zip(arguments.get(1).and_then(|text| text.parse().ok()));
    let Some((name, repetitions)) = asked else { return list() };
    let Some((_, case)) = CASES.iter().find(|(known, _)| known == name) else { return list() };
    case(&mut Scene::new(), repetitions);
    ExitCode::SUCCESS
}

/// Names the cases, one a line.
fn list() -> ExitCode {
    let mut out = io::stdout();
    let printed = CASES.iter().try_for_each(|(name, _)| writeln!(out, "{name}"));
    if printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
