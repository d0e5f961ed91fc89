//! The store in an embedded SQLite database.

mod data_version;
mod database;
mod failure;
mod migrations;
mod open;
mod proxies;

pub(crate) use data_version::DataVersion;
pub(crate) use database::Sqlite;
