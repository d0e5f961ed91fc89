//! What is in a database file, and how much care it deserves.

use crate::Table;
use crate::directory::{DATABASE, LOG_DATABASE};
use crate::schema::{LOG_TABLES, RECORD_TABLES};
use sqlx::sqlite::SqliteSynchronous;

/// What is in a database file, and how much care it deserves.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(super) file_name: &'static str,
    pub(super) tables: &'static [&'static Table],
    /// Whether every page is looked at before it is opened.
    pub(super) is_checked: bool,
    /// What a commit waits for.
    pub(super) synchronous: SqliteSynchronous,
}

/// Records are few and dear.
pub(crate) const RECORDS: Contents = Contents {
    file_name: DATABASE,
    tables: RECORD_TABLES,
    is_checked: true,
    synchronous: SqliteSynchronous::Full,
};

/// Logs are many, and the last ones may be lost with the power.
pub(super) const LOGS: Contents = Contents {
    file_name: LOG_DATABASE,
    tables: LOG_TABLES,
    is_checked: false,
    synchronous: SqliteSynchronous::Normal,
};
