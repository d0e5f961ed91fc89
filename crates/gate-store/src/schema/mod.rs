//! What the tables look like, in one place for every kind of database.

mod definition;
mod table;
mod tables;

pub(crate) use definition::{add_column, create_indexes, create_table};
pub use table::{Column, ColumnKind, Table};
pub(crate) use tables::{LOG_TABLES, LOGS_PER_HOUR, RECORD_TABLES, VERSION};
pub use tables::{LOGS, PARAMS, PROXIES, SECRETS, SUPERUSERS, USERS};
