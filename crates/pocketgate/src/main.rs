//! pocketgate: one binary between front-ends and the services they must not reach directly.
//!
//! Owns the command line and the composition of the parts, nothing else: what a part does is in its crate.

mod cli;
mod compose;
mod descriptors;
mod failure;
mod metrics_listener;
mod pages;
mod signals;
mod traces;

use mimalloc::MiMalloc;
use std::io::{self, Write};
use std::process::ExitCode;

/// Fewer instructions for the small, short-lived allocations of a proxy than the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let outcome = cli::run(&arguments);
    gate_telemetry::log::flush();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to tell when standard error is gone as well.
            let _ = writeln!(io::stderr(), "pocketgate: {failure}");
            failure.exit_code()
        }
    }
}
