//! The flags every command that reads or writes records has.

use super::environment;
use super::unrepeated::Unrepeated;
use crate::failure::Failure;
use clap::Args;
use gate_store::Location;
use std::ffi::OsStr;
use std::path::PathBuf;

/// Where the records are kept.
#[derive(Args, Debug)]
pub(crate) struct DataDirectory {
    /// The data directory; created when it is missing
    #[arg(id = "dir", long, env = environment::DIR, value_name = "DIRECTORY", default_value = DEFAULT,
          value_parser = Unrepeated(directory), value_hint = clap::ValueHint::DirPath)]
    pub(crate) path: PathBuf,

    /// The PostgreSQL database to keep the records in, instead of one in the data directory:
    /// postgres://USER:PASSWORD@HOST:PORT/DATABASE. Other users of the machine can see a command line: better set the
    /// variable
    #[arg(id = "db-url", long, env = environment::DB_URL, value_name = "URL", value_parser = Unrepeated(database_url))]
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

    /// Where records are that are there: to read from, or remove from, a directory that does not exist is a slip of the
    /// finger.
    pub(crate) fn existing(&self) -> Result<Location, Failure> {
        existing(self.location())
    }
}

/// Makes sure that there are records, as far as that can be seen from outside.
pub(super) fn existing(location: Location) -> Result<Location, Failure> {
    if location.may_exist() {
        return Ok(location);
    }
    Err(Failure::other(format_args!("there is no database in {}", location.directory().display())))
}

/// The name of a directory. A URL is none: its password would be in the names of what is made there.
pub(super) fn directory(typed: &OsStr) -> Result<PathBuf, String> {
    if typed.is_empty() || Location::is_url(&typed.to_string_lossy()) {
        return Err("it must be the name of a directory".to_owned());
    }
    Ok(typed.into())
}

/// The URL of a PostgreSQL database.
pub(super) fn database_url(typed: &OsStr) -> Result<String, String> {
    let url = typed.to_string_lossy();
    Location::check_postgres_url(&url).map_err(|error| error.to_string())?;
    Ok(url.into_owned())
}

/// Beside whatever starts the program (contract D-1).
const DEFAULT: &str = "./pocketgate_data";
