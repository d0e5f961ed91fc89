//! The flags every command that reads or writes records has.

use super::environment;
use clap::Args;
use gate_store::Location;
use std::path::PathBuf;

/// Where the records are kept.
#[derive(Args, Debug)]
pub(crate) struct DataDirectory {
    /// The data directory; created when it is missing
    #[arg(id = "dir", long, env = environment::DIR, value_name = "DIRECTORY", default_value = DEFAULT,
          value_hint = clap::ValueHint::DirPath)]
    pub(crate) path: PathBuf,

    /// The PostgreSQL database to keep the records in, instead of one in the data directory:
    /// postgres://USER:PASSWORD@HOST:PORT/DATABASE. Other users of the machine can see a command line: better set the
    /// variable
    #[arg(id = "db-url", long, env = environment::DB_URL, value_name = "URL")]
    database_url: Option<String>,
}

impl DataDirectory {
    /// Where the records are.
    pub(crate) fn location(&self) -> Location {
        match &self.database_url {
            Some(url) => Location::Postgres { url: url.clone(), directory: self.path.clone() },
            None => Location::Directory(self.path.clone()),
        }
    }
}

/// Beside whatever starts the program (contract D-1).
const DEFAULT: &str = "./pocketgate_data";
