//! The store in a PostgreSQL database.

mod connect;
mod database;
mod failure;
mod revision;
mod rows;
mod schema;
mod transaction;

pub(crate) use connect::options;
pub(crate) use database::Postgres;
pub(crate) use revision::Revision;
pub(crate) use transaction::PostgresTransaction;
