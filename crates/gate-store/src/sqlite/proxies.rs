//! All proxies at one go, for the compiler.

use super::database::Sqlite;
use super::failure::store_error;
use crate::{ProxyRow, StoreError};

impl Sqlite {
    pub(crate) async fn proxies(&self) -> Result<Vec<ProxyRow>, StoreError> {
        self.file.ensure_in_place()?;
        let rows: Vec<u8> =
            sqlx::query_scalar(SELECT_ALL).fetch_one(&self.pool).await.map_err(store_error)?;
        read(&rows)
    }
}

/// Bytes that are no text become replacement characters, which no field takes: one odd row hides no other.
fn read(json: &[u8]) -> Result<Vec<ProxyRow>, StoreError> {
    serde_json::from_str(&String::from_utf8_lossy(json))
        .map_err(|error| store_error(sqlx::Error::Decode(Box::new(error))))
}

/// Every row as a JSON array of its columns, in the order of the fields of [`ProxyRow`]. All of them come over from
/// SQLite's thread as one value: 10,000 one by one cost more than everything else in a reload.
///
/// Each column is cast to the type of its field, whatever another program left in it: junk becomes an empty text, 0 or
/// false, as PocketBase casts it. SQLite counts `rowid` up as rows are made.
const SELECT_ALL: &str = r#"SELECT CAST(json_group_array(
    json_array("id", "created", "updated", CAST("path" AS TEXT), CAST("upstream" AS TEXT),
        CAST("name" AS TEXT), CAST("description" AS TEXT), CAST("active" AS INTEGER) <> 0,
        CAST("stripPath" AS INTEGER) <> 0, CAST("accessRule" AS TEXT),
        MAX(-1e9, MIN(1e9, CAST("timeout" AS REAL))), CAST("maxConcurrent" AS INTEGER),
        CAST("forwardAuth" AS INTEGER) <> 0, CAST("forwardEncoding" AS INTEGER) <> 0, CAST("headers" AS TEXT),
        CAST("circuitBreaker" AS TEXT), CAST("timeoutConfig" AS TEXT), CAST("queueConfig" AS TEXT),
        CAST("limits" AS TEXT), CAST("rateLimit" AS TEXT), CAST("retryConfig" AS TEXT))
    ORDER BY "rowid") AS BLOB) FROM "_proxies""#;
