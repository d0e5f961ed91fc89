//! `pocketgate migrate-store`: move the records to another kind of database.

use super::data_directory::{database_url, directory, existing};
use super::unrepeated::Unrepeated;
use super::{runtime, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_store::{Location, MigratedTable, Store, migrate};
use std::ffi::OsStr;
use std::path::PathBuf;

/// Copy every record to another, empty database
///
/// From a data directory to PostgreSQL or back. Nobody can write to either while it runs; stop the gateway first, so that
/// nothing is written to the old one afterwards. The copy is compared with the original, row by row, before it counts.
/// Logs stay where they are.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pocketgate migrate-store --from ./pocketgate_data --to postgres://gate@db.example/gate
  pocketgate migrate-store --from postgres://gate@db.example/gate --to ./copy")]
pub(crate) struct MigrateStoreArgs {
    /// A data directory, or the URL of a PostgreSQL database
    #[arg(long, value_name = "DIRECTORY|URL", value_parser = Unrepeated(location))]
    from: Location,

    /// A data directory, which is made when it is missing, or the URL of a PostgreSQL database
    #[arg(long, value_name = "DIRECTORY|URL", value_parser = Unrepeated(location))]
    to: Location,
}

impl MigrateStoreArgs {
    /// Copies everything, or nothing.
    pub(crate) fn run(self) -> Result<(), Failure> {
        runtime::block_on(self.migrate())
    }

    async fn migrate(self) -> Result<(), Failure> {
        if self.from == self.to {
            return Err(Failure::usage("--from and --to name the same database"));
        }
        let from = Store::open(existing(self.from)?).await.map_err(Failure::other)?;
        let to = Store::open(self.to).await.map_err(Failure::other)?;
        let migrated = migrate(&from, &to).await;
        to.close().await;
        from.close().await;
        stdout::print(report(&migrated.map_err(Failure::other)?))
    }
}

/// Nothing is put into the directory of a store that is elsewhere.
fn location(typed: &OsStr) -> Result<Location, String> {
    if Location::is_url(&typed.to_string_lossy()) {
        Ok(Location::Postgres { url: database_url(typed)?, directory: PathBuf::from(".") })
    } else {
        directory(typed).map(Location::Directory)
    }
}

fn report(tables: &[MigratedTable]) -> String {
    let line = |table: &MigratedTable| {
        format!("{:<12} {:>8} rows  sha256 {}\n", table.name, table.rows, table.sha256)
    };
    tables.iter().map(line).collect()
}
