//! The store in an embedded SQLite database.

mod data_version;
mod database;
mod failure;
mod open;
mod proxies;
mod rows;
mod schema;
mod transaction;

pub(crate) use data_version::DataVersion;
pub(crate) use database::Sqlite;
pub(crate) use transaction::SqliteTransaction;
