//! The only crate that knows SQL: where records live, and the notice that they changed.
//!
//! Owns the data directory, the schema and its migrations. Writes rows as they are given: ids, dates and the
//! meaning of every field belong to the crate that makes the rows, and nothing in here looks inside them.
//!
//! [`Store`] is one type over every kind of database it can live in: SQLite in the data directory, or PostgreSQL. Both
//! run the same statements (`statement.rs`) and pass the same conformance suite (`tests/it/conformance.rs`).

mod backup;
mod changes;
mod directory;
mod error;
mod last_snapshot;
mod location;
mod logs;
mod migrate;
mod postgres;
mod proxy_row;
mod row;
mod schema;
mod select;
mod sqlite;
mod statement;
mod store;
mod transaction;
mod value;

pub use backup::{Backup, BackupError, RestoreError, backup_directory, backups, restore};
pub use changes::{Changes, Noticed};
pub use error::{Cause, OpenError, StoreError};
pub use last_snapshot::{Kept, LastSnapshot};
pub use location::Location;
pub use logs::{Logs, LogsInHour};
pub use migrate::{MigrateError, MigratedTable, migrate};
pub use proxy_row::ProxyRow;
pub use row::Row;
pub use schema::{Column, ColumnKind, LOGS, PARAMS, PROXIES, SECRETS, SUPERUSERS, Table, USERS};
pub use select::Select;
pub use sqlite::{PocketBaseAccount, PocketBaseChanges, PocketBaseDatabase, PocketBaseReader};
pub use store::{Change, Store};
pub use transaction::Transaction;
pub use value::Value;
