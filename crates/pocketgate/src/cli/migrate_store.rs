//! `pocketgate migrate-store`: move the records to another kind of database.

use super::{runtime, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_store::{Location, MigratedTable, Store, migrate};
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
    #[arg(long, value_name = "DIRECTORY|URL")]
    from: String,

    /// A data directory, which is made when it is missing, or the URL of a PostgreSQL database
    #[arg(long, value_name = "DIRECTORY|URL")]
    to: String,
}

impl MigrateStoreArgs {
    /// Copies everything, or nothing.
    pub(crate) fn run(self) -> Result<(), Failure> {
        runtime::block_on(self.migrate())
    }

    async fn migrate(self) -> Result<(), Failure> {
        let from = location(&self.from);
        if !from.may_exist() {
            return Err(Failure::other(format_args!(
                "there is no database in {}",
                from.directory().display()
            )));
        }
        let from = Store::open(from).await.map_err(Failure::other)?;
        let to = Store::open(location(&self.to)).await.map_err(Failure::other)?;
        let migrated = migrate(&from, &to).await;
        to.close().await;
        from.close().await;
        stdout::print(report(&migrated.map_err(Failure::other)?))
    }
}

/// Nothing is put into the directory of a store that is elsewhere.
fn location(text: &str) -> Location {
    if Location::is_postgres_url(text) {
        Location::Postgres { url: text.to_owned(), directory: PathBuf::from(".") }
    } else {
        Location::Directory(PathBuf::from(text))
    }
}

fn report(tables: &[MigratedTable]) -> String {
    let line = |table: &MigratedTable| {
        format!("{:<12} {:>8} rows  sha256 {}\n", table.name, table.rows, table.sha256)
    };
    tables.iter().map(line).collect()
}
