//! The flag every command that reads or writes records has.

use super::environment;
use clap::Args;
use std::path::PathBuf;

/// Where the records are kept.
#[derive(Args, Debug)]
pub(crate) struct DataDirectory {
    /// The data directory; created when it is missing
    #[arg(id = "dir", long, env = environment::DIR, value_name = "DIRECTORY", default_value = DEFAULT,
          value_hint = clap::ValueHint::DirPath)]
    pub(crate) path: PathBuf,
}

/// Beside whatever starts the program (contract D-1).
const DEFAULT: &str = "./pocketgate_data";
