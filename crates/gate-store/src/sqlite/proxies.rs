//! `_proxies` in SQL.

use super::database::Sqlite;
use super::failure::{store_error, write_error};
use crate::{Change, ProxyRow, StoreError};
use serde::de::DeserializeOwned;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite as Database, SqliteConnection};

impl Sqlite {
    pub(crate) async fn proxies(&self) -> Result<Vec<ProxyRow>, StoreError> {
        self.file.ensure_in_place()?;
        let rows: Vec<u8> =
            sqlx::query_scalar(SELECT_ALL).fetch_one(&self.pool).await.map_err(store_error)?;
        read(&rows)
    }

    pub(crate) async fn proxy(&self, id: &str) -> Result<Option<ProxyRow>, StoreError> {
        self.one(SELECT_BY_ID, id).await
    }

    pub(crate) async fn proxy_by_path(&self, path: &str) -> Result<Option<ProxyRow>, StoreError> {
        self.one(SELECT_BY_PATH, path).await
    }

    pub(crate) async fn apply(&self, changes: &[Change]) -> Result<(), StoreError> {
        self.file.ensure_in_place()?;
        // Takes the write lock at once: a transaction that starts by reading can be refused it later.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        for change in changes {
            apply(&mut transaction, change).await?;
        }
        transaction.commit().await.map_err(store_error)
    }

    async fn one(&self, sql: &'static str, key: &str) -> Result<Option<ProxyRow>, StoreError> {
        self.file.ensure_in_place()?;
        let query = sqlx::query_scalar(sql).bind(key);
        let row: Option<Vec<u8>> = query.fetch_optional(&self.pool).await.map_err(store_error)?;
        row.map(|row| read(&row)).transpose()
    }
}

async fn apply(connection: &mut SqliteConnection, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Insert(row) => insert(connection, row).await,
        Change::Update { row, expected_updated } => {
            update(connection, row, expected_updated.as_deref()).await
        }
        Change::Delete { id } => delete(connection, id).await,
    }
}

async fn insert(connection: &mut SqliteConnection, row: &ProxyRow) -> Result<(), StoreError> {
    let query = bind_fields(sqlx::query(INSERT).bind(&*row.id), row).bind(&*row.created);
    query.execute(connection).await.map_err(|error| write_error(&row.id, error))?;
    Ok(())
}

async fn update(
    connection: &mut SqliteConnection,
    row: &ProxyRow,
    expected: Option<&str>,
) -> Result<(), StoreError> {
    let query = bind_fields(sqlx::query(UPDATE).bind(&*row.id), row).bind(expected);
    let updated = query.execute(&mut *connection).await.map_err(|error| write_error(&row.id, error))?;
    if updated.rows_affected() == 1 {
        return Ok(());
    }
    let id = row.id.clone();
    if exists(connection, &id).await? {
        Err(StoreError::Conflict { id })
    } else {
        Err(StoreError::NotFound { id })
    }
}

async fn delete(connection: &mut SqliteConnection, id: &str) -> Result<(), StoreError> {
    let query = sqlx::query(r#"DELETE FROM "_proxies" WHERE "id" = ?1"#).bind(id);
    let deleted = query.execute(connection).await.map_err(store_error)?;
    if deleted.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound { id: id.to_owned() }) }
}

async fn exists(connection: &mut SqliteConnection, id: &str) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar(r#"SELECT EXISTS (SELECT 1 FROM "_proxies" WHERE "id" = ?1)"#).bind(id);
    query.fetch_one(connection).await.map_err(store_error)
}

/// Binds `?2` to `?20`, the same in an insert and in an update.
fn bind_fields<'q>(
    query: Query<'q, Database, SqliteArguments>,
    row: &'q ProxyRow,
) -> Query<'q, Database, SqliteArguments> {
    query
        .bind(&*row.updated)
        .bind(&*row.path)
        .bind(&*row.upstream)
        .bind(&*row.name)
        .bind(&*row.description)
        .bind(row.active)
        .bind(row.strip_path)
        .bind(&*row.access_rule)
        .bind(row.timeout)
        .bind(row.max_concurrent)
        .bind(row.forward_auth)
        .bind(row.forward_encoding)
        .bind(row.headers.as_deref())
        .bind(row.circuit_breaker.as_deref())
        .bind(row.timeout_config.as_deref())
        .bind(row.queue_config.as_deref())
        .bind(row.limits.as_deref())
        .bind(row.rate_limit.as_deref())
        .bind(row.retry_config.as_deref())
}

/// A row, or an array of rows, as SQLite writes them.
///
/// Bytes that are no text become replacement characters, which no field takes: one odd row hides no other.
fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, StoreError> {
    serde_json::from_str(&String::from_utf8_lossy(json))
        .map_err(|error| store_error(sqlx::Error::Decode(Box::new(error))))
}

/// A row as a JSON array of its columns, in the order of the fields of [`ProxyRow`]. All rows then come over from
/// SQLite's thread as one value: 10,000 one by one cost more than everything else in a reload.
///
/// Each column is cast to the type of its field, whatever another program left in it: junk becomes an empty text, 0 or
/// false, as PocketBase casts it.
macro_rules! row {
    () => {
        r#"json_array("id", "created", "updated", CAST("path" AS TEXT), CAST("upstream" AS TEXT),
            CAST("name" AS TEXT), CAST("description" AS TEXT), CAST("active" AS INTEGER) <> 0,
            CAST("stripPath" AS INTEGER) <> 0, CAST("accessRule" AS TEXT),
            MAX(-1e9, MIN(1e9, CAST("timeout" AS REAL))), CAST("maxConcurrent" AS INTEGER),
            CAST("forwardAuth" AS INTEGER) <> 0, CAST("forwardEncoding" AS INTEGER) <> 0, CAST("headers" AS TEXT),
            CAST("circuitBreaker" AS TEXT), CAST("timeoutConfig" AS TEXT), CAST("queueConfig" AS TEXT),
            CAST("limits" AS TEXT), CAST("rateLimit" AS TEXT), CAST("retryConfig" AS TEXT))"#
    };
}

/// SQLite counts rows up as they are made.
const SELECT_ALL: &str =
    concat!("SELECT CAST(json_group_array(", row!(), r#" ORDER BY "rowid") AS BLOB) FROM "_proxies""#);

const SELECT_BY_ID: &str = concat!("SELECT CAST(", row!(), r#" AS BLOB) FROM "_proxies" WHERE "id" = ?1"#);

const SELECT_BY_PATH: &str =
    concat!("SELECT CAST(", row!(), r#" AS BLOB) FROM "_proxies" WHERE "path" = ?1"#);

const INSERT: &str = r#"INSERT INTO "_proxies"
    ("id", "updated", "path", "upstream", "name", "description", "active", "stripPath", "accessRule", "timeout",
     "maxConcurrent", "forwardAuth", "forwardEncoding", "headers", "circuitBreaker", "timeoutConfig", "queueConfig",
     "limits", "rateLimit", "retryConfig", "created")
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)"#;

const UPDATE: &str = r#"UPDATE "_proxies" SET
    "updated" = ?2, "path" = ?3, "upstream" = ?4, "name" = ?5, "description" = ?6, "active" = ?7, "stripPath" = ?8,
    "accessRule" = ?9, "timeout" = ?10, "maxConcurrent" = ?11, "forwardAuth" = ?12, "forwardEncoding" = ?13,
    "headers" = ?14, "circuitBreaker" = ?15, "timeoutConfig" = ?16, "queueConfig" = ?17, "limits" = ?18,
    "rateLimit" = ?19, "retryConfig" = ?20
    WHERE "id" = ?1 AND (?21 IS NULL OR "updated" = ?21)"#;
