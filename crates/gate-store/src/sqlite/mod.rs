//! The store in an embedded SQLite database.

mod backup;
mod contents;
mod data_version;
mod database;
mod failure;
mod file_events;
mod log_file;
mod open;
mod pace;
mod pocketbase;
mod proxies;
mod rows;
mod schema;
mod transaction;
mod watcher;

pub(crate) use backup::{check_backup, tidy};
pub(crate) use contents::{Contents, RECORDS};
pub(crate) use data_version::DataVersion;
pub(crate) use database::Sqlite;
pub(crate) use log_file::LogFile;
pub use pocketbase::{PocketBaseAccount, PocketBaseChanges, PocketBaseDatabase, PocketBaseReader};
pub(crate) use transaction::SqliteTransaction;
pub(crate) use watcher::Watcher;
