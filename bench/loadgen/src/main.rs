//! The load generator and the fast upstream of the side-by-side benchmarks.
//!
//! Owns what is put in front of and behind a proxy to measure it, and the measuring. Knows nothing
//! about the gateway: it speaks HTTP with a small parser of its own, on one thread, and must cost far
//! less than any proxy between its two ends.

mod clock;
mod connection;
mod event_reader;
mod histogram;
mod idle;
mod load;
mod message;
mod pace;
#[cfg(test)]
mod self_test;
mod sse;
mod target;
mod upstream;
mod watch;
mod window;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::idle::IdleOptions;
use crate::load::LoadOptions;
use crate::sse::SseOptions;
use crate::upstream::Upstream;

/// The two ends of a proxy benchmark: load and upstream.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve /1k, /chunks, /10m, /sse?rate=N, /chat, /never, /statistics and any POST; prints its address when ready
    Upstream {
        /// Where to listen; port 0 lets the system choose
        #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT")]
        listen: SocketAddr,
    },
    /// Send requests over keep-alive connections and print a JSON report
    Load(LoadOptions),
    /// Hold event streams open and print a JSON report of the events' delays
    Sse(SseOptions),
    /// Keep connections open that were used once, and print a JSON report
    Idle(IdleOptions),
}

#[derive(Debug, thiserror::Error)]
enum LoadgenError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Sse(#[from] sse::SseError),
    #[error(transparent)]
    Idle(#[from] idle::IdleError),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With standard error gone there is nobody left to tell.
            let _ = writeln!(io::stderr(), "pocketgate-loadgen: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), LoadgenError> {
    match command {
        Command::Upstream { listen } => {
            let upstream = Upstream::bind(listen)?;
            writeln!(io::stdout(), "listening on http://{}", upstream.address()?)?;
            Ok(upstream.serve().await?)
        }
        Command::Load(options) => print(&load::run(options).await?),
        Command::Sse(options) => print(&sse::run(options).await?),
        Command::Idle(options) => print(&idle::run(options).await?),
    }
}

fn print(report: &impl Serialize) -> Result<(), LoadgenError> {
    let json = serde_json::to_string(report).map_err(io::Error::from)?;
    Ok(writeln!(io::stdout(), "{json}")?)
}
