//! Copies of a database file.

use super::contents::RECORDS;
use super::{Sqlite, open};
use crate::{OpenError, PROXIES};
use sqlx::{ConnectOptions, Connection};
use std::path::Path;

/// Makes sure that a file, which nobody else uses, is a database of the gateway's or of the fork's.
pub(crate) async fn check_backup(path: &Path) -> Result<(), OpenError> {
    open::inspect(path, &RECORDS).await?;
    if has_proxies(path).await.map_err(|error| super::failure::open_error(path, error))? {
        return Ok(());
    }
    Err(OpenError::NotADatabase { path: path.to_owned() })
}

async fn has_proxies(path: &Path) -> sqlx::Result<bool> {
    let mut connection = open::inspection_options(path).connect().await?;
    let found = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = $1)")
        .bind(PROXIES.name)
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(found)
}

/// Takes what a process that was killed left in the log of a database over into the database, if that can be done.
pub(crate) async fn tidy(path: &Path) {
    if path.exists()
        && let Ok(sqlite) = Sqlite::open_file(path.to_owned(), &RECORDS, None).await
    {
        // The log goes with the last connection, and the pool has made none yet.
        drop(sqlite.pool.acquire().await);
        sqlite.close().await;
    }
}
