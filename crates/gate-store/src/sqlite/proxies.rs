//! All proxies at one go, for the compiler.

use super::database::Sqlite;
use super::failure::store_error;
use crate::{ProxyRow, StoreError};
use sqlx::{Row as _, SqliteConnection};
use std::borrow::Cow;
use std::str;
use std::sync::Arc;

impl Sqlite {
    /// As they are at one moment, in the order they were made.
    pub(crate) async fn proxies(&self) -> Result<Vec<Arc<ProxyRow>>, StoreError> {
        self.file.ensure_in_place()?;
        let mut moment = self.pool.begin().await.map_err(store_error)?;
        let (mut rows, mut last) = (Vec::new(), i64::MIN);
        loop {
            let page = read_page(&mut moment, last).await.map_err(store_error)?;
            let is_last = page.len() < PAGE_ROWS as usize;
            last = page.last().map_or(last, |(rowid, _)| *rowid);
            // Each goes to its place at once: a list of whole rows that grows moves megabytes.
            rows.extend(page.into_iter().map(|(_, row)| Arc::new(row)));
            if is_last {
                return Ok(rows);
            }
        }
    }
}

/// Those after one of them, in the order of their `rowid`, which SQLite counts up as rows are made.
async fn read_page(connection: &mut SqliteConnection, after: i64) -> sqlx::Result<Vec<(i64, ProxyRow)>> {
    let query = sqlx::query(SELECT_PAGE).bind(after).bind(PAGE_ROWS);
    let mut page = read(query.fetch_one(connection).await?.try_get_unchecked(0)?)?;
    // As they come, though nobody promises that; SQLite would copy each to sort them.
    page.sort_unstable_by_key(|(rowid, _)| *rowid);
    Ok(page)
}

/// Bytes that are no text become replacement characters, which no field takes: one odd row hides no other.
fn read(json: &[u8]) -> sqlx::Result<Vec<(i64, ProxyRow)>> {
    // Nearly always it is text: to see that takes a fifth of the time that replacing takes.
    let text = str::from_utf8(json).map_or_else(|_| String::from_utf8_lossy(json), Cow::Borrowed);
    serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Rows at a time. One by one, 10,000 rows cost more than everything else in a reload: each is handed over from SQLite's
/// thread. All at once they keep a processor for tens of milliseconds, for which a worker that has to share it must not
/// wait; so many take one or two.
const PAGE_ROWS: u32 = 512;

/// Every row of a page as a JSON array: its `rowid`, and an array of its columns in the order of the fields of [`ProxyRow`].
///
/// Each column is cast to the type of its field, whatever another program left in it: junk becomes an empty text, 0 or
/// false, as PocketBase casts it. A whole number stays one: SQLite writes it in a tenth of the time.
const SELECT_PAGE: &str = r#"SELECT CAST(json_group_array(json_array("rowid",
    json_array("id", "created", "updated", CAST("path" AS TEXT), CAST("upstream" AS TEXT),
        CAST("name" AS TEXT), CAST("description" AS TEXT), CAST("active" AS INTEGER) <> 0,
        CAST("stripPath" AS INTEGER) <> 0, CAST("accessRule" AS TEXT),
        MAX(-1000000000, MIN(1000000000, CAST("timeout" AS NUMERIC))), CAST("maxConcurrent" AS INTEGER),
        CAST("forwardAuth" AS INTEGER) <> 0, CAST("forwardEncoding" AS INTEGER) <> 0,
        CAST("forwardPreflight" AS INTEGER) <> 0, CAST("headers" AS TEXT),
        CAST("circuitBreaker" AS TEXT), CAST("timeoutConfig" AS TEXT), CAST("queueConfig" AS TEXT),
        CAST("limits" AS TEXT), CAST("rateLimit" AS TEXT), CAST("retryConfig" AS TEXT)))) AS BLOB)
FROM "_proxies" WHERE "rowid" > $1 AND "rowid" <=
    (SELECT MAX("rowid") FROM (SELECT "rowid" FROM "_proxies" WHERE "rowid" > $1 ORDER BY "rowid" LIMIT $2))"#;
