//! A PostgreSQL server of a test's own.

mod account;
mod programs;
mod server;

pub use server::PostgreSql;
