//! All proxies at one go, for the compiler.

use super::database::Sqlite;
use super::failure::store_error;
use crate::{ProxyRow, StoreError};
use sqlx::{Row as _, SqliteConnection};

impl Sqlite {
    /// As they are at one moment, in the order they were made.
    pub(crate) async fn proxies(&self) -> Result<Vec<ProxyRow>, StoreError> {
        self.file.ensure_in_place()?;
        let mut moment = self.pool.begin().await.map_err(store_error)?;
        let (mut rows, mut last) = (Vec::new(), None);
        loop {
            let before = rows.len();
            last = read_page(&mut moment, last, &mut rows).await.map_err(store_error)?;
            if rows.len() - before < PAGE_ROWS as usize {
                return Ok(rows);
            }
        }
    }
}

/// Adds those after one of them, and returns which the last one is.
async fn read_page(
    connection: &mut SqliteConnection,
    after: Option<i64>,
    rows: &mut Vec<ProxyRow>,
) -> sqlx::Result<Option<i64>> {
    let query = sqlx::query(SELECT_PAGE).bind(after.unwrap_or(i64::MIN));
    let page = query.bind(PAGE_ROWS).fetch_one(connection).await?;
    rows.append(&mut read(page.try_get_unchecked(0)?)?);
    page.try_get_unchecked(1)
}

/// Bytes that are no text become replacement characters, which no field takes: one odd row hides no other.
fn read(json: &[u8]) -> sqlx::Result<Vec<ProxyRow>> {
    serde_json::from_str(&String::from_utf8_lossy(json)).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Rows at a time. One by one, 10,000 rows cost more than everything else in a reload: each is handed over from SQLite's
/// thread. All at once they keep a processor for tens of milliseconds, for which a worker that has to share it must not
/// wait; so many take one or two.
const PAGE_ROWS: u32 = 512;

/// Every row of a page as a JSON array of its columns, in the order of the fields of [`ProxyRow`], and the last one's
/// `rowid`, which SQLite counts up as rows are made.
///
/// Each column is cast to the type of its field, whatever another program left in it: junk becomes an empty text, 0 or
/// false, as PocketBase casts it.
const SELECT_PAGE: &str = r#"SELECT CAST(json_group_array(
    json_array("id", "created", "updated", CAST("path" AS TEXT), CAST("upstream" AS TEXT),
        CAST("name" AS TEXT), CAST("description" AS TEXT), CAST("active" AS INTEGER) <> 0,
        CAST("stripPath" AS INTEGER) <> 0, CAST("accessRule" AS TEXT),
        MAX(-1e9, MIN(1e9, CAST("timeout" AS REAL))), CAST("maxConcurrent" AS INTEGER),
        CAST("forwardAuth" AS INTEGER) <> 0, CAST("forwardEncoding" AS INTEGER) <> 0, CAST("headers" AS TEXT),
        CAST("circuitBreaker" AS TEXT), CAST("timeoutConfig" AS TEXT), CAST("queueConfig" AS TEXT),
        CAST("limits" AS TEXT), CAST("rateLimit" AS TEXT), CAST("retryConfig" AS TEXT))
    ORDER BY "rowid") AS BLOB), MAX("rowid")
FROM "_proxies" WHERE "rowid" > $1 AND "rowid" <=
    (SELECT MAX("rowid") FROM (SELECT "rowid" FROM "_proxies" WHERE "rowid" > $1 ORDER BY "rowid" LIMIT $2))"#;
