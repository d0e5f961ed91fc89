//! What SQLite's result codes mean to the callers of the store.

use crate::Table;
use crate::error::{Cause, OpenError, StoreError};
use std::io;
use std::path::Path;

/// The primary result codes that are told apart; the extended ones are these with more in the upper bytes.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READ_ONLY: i32 = 8;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANNOT_OPEN: i32 = 14;
    pub(super) const NOT_A_DATABASE: i32 = 26;
}

/// Why the database in `path` cannot be opened.
pub(super) fn open_error(path: &Path, error: sqlx::Error) -> OpenError {
    let (path, database) = (path.to_owned(), path.display().to_string());
    match primary_code(&error) {
        Some(code::BUSY | code::LOCKED) => OpenError::Locked { database },
        Some(code::READ_ONLY | code::CANNOT_OPEN) => {
            OpenError::NotWritable { path, cause: io::Error::other(error) }
        }
        Some(code::CORRUPT) => OpenError::Corrupt { path, finding: "a page is malformed".to_owned() },
        Some(code::NOT_A_DATABASE) => OpenError::NotADatabase { path },
        _ => OpenError::Failed { database, cause: Cause::new(error) },
    }
}

/// Why a statement about no record in particular failed.
pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return StoreError::Busy;
    }
    match primary_code(&error) {
        Some(code::BUSY | code::LOCKED) => StoreError::Busy,
        Some(code::READ_ONLY) => StoreError::ReadOnly,
        Some(code::FULL) => StoreError::Full,
        _ => StoreError::Failed(Cause::new(error)),
    }
}

/// Why the row `id` of a table was not written.
pub(super) fn write_error(table: &'static Table, id: &str, error: sqlx::Error) -> StoreError {
    match error.as_database_error().filter(|error| error.is_unique_violation()) {
        Some(violation) => {
            let field = violated_column(table, violation.message());
            StoreError::NotUnique { id: id.to_owned(), field }
        }
        None => store_error(error),
    }
}

/// The first column in `UNIQUE constraint failed: TABLE.COLUMN, TABLE.COLUMN`.
fn violated_column(table: &'static Table, message: &str) -> &'static str {
    let names = message.split([' ', ',']).filter_map(|word| word.split_once('.'));
    let mut columns = names.filter(|(of, _)| *of == table.name).filter_map(|(_, name)| table.column(name));
    columns.next().map_or("id", |column| column.name)
}

/// Whether somebody else has the database and it is worth trying again.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(code::BUSY | code::LOCKED))
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}
