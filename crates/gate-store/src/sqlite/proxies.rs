//! `_proxies` in SQL.

use super::database::Sqlite;
use super::failure::{store_error, write_error};
use crate::{Change, ProxyRow, StoreError};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row, Sqlite as Database, SqliteConnection};

impl Sqlite {
    pub(crate) async fn proxies(&self) -> Result<Vec<ProxyRow>, StoreError> {
        self.file.ensure_in_place()?;
        let rows = sqlx::query(SELECT_ALL).fetch_all(&self.pool).await.map_err(store_error)?;
        rows.iter().map(read).collect::<sqlx::Result<_>>().map_err(store_error)
    }

    pub(crate) async fn proxy(&self, id: &str) -> Result<Option<ProxyRow>, StoreError> {
        self.one(sqlx::query(SELECT_BY_ID).bind(id)).await
    }

    pub(crate) async fn proxy_by_path(&self, path: &str) -> Result<Option<ProxyRow>, StoreError> {
        self.one(sqlx::query(SELECT_BY_PATH).bind(path)).await
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

    async fn one(&self, query: Query<'_, Database, SqliteArguments>) -> Result<Option<ProxyRow>, StoreError> {
        self.file.ensure_in_place()?;
        let row = query.fetch_optional(&self.pool).await.map_err(store_error)?;
        row.as_ref().map(read).transpose().map_err(store_error)
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

/// Reads whatever another program may have left in the columns as the type each one has here: junk becomes an
/// empty text, 0 or false, as PocketBase casts it, so that one odd row never hides the others.
fn read(row: &SqliteRow) -> sqlx::Result<ProxyRow> {
    Ok(ProxyRow {
        id: text(row, 0)?,
        created: text(row, 1)?,
        updated: text(row, 2)?,
        path: text(row, 3)?,
        upstream: text(row, 4)?,
        name: text(row, 5)?,
        description: text(row, 6)?,
        active: row.try_get(7)?,
        strip_path: row.try_get(8)?,
        access_rule: text(row, 9)?,
        timeout: row.try_get(10)?,
        max_concurrent: row.try_get(11)?,
        forward_auth: row.try_get(12)?,
        forward_encoding: row.try_get(13)?,
        headers: optional_text(row, 14)?,
        circuit_breaker: optional_text(row, 15)?,
        timeout_config: optional_text(row, 16)?,
        queue_config: optional_text(row, 17)?,
        limits: optional_text(row, 18)?,
        rate_limit: optional_text(row, 19)?,
        retry_config: optional_text(row, 20)?,
    })
}

fn text(row: &SqliteRow, column: usize) -> sqlx::Result<String> {
    Ok(optional_text(row, column)?.unwrap_or_default())
}

fn optional_text(row: &SqliteRow, column: usize) -> sqlx::Result<Option<String>> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

/// The columns in the order [`read`] takes them, each cast to the type it is read as.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            r#"SELECT "id", "created", "updated", CAST("path" AS TEXT), CAST("upstream" AS TEXT),
                CAST("name" AS TEXT), CAST("description" AS TEXT), CAST("active" AS INTEGER) <> 0,
                CAST("stripPath" AS INTEGER) <> 0, CAST("accessRule" AS TEXT), CAST("timeout" AS REAL),
                CAST("maxConcurrent" AS INTEGER), CAST("forwardAuth" AS INTEGER) <> 0,
                CAST("forwardEncoding" AS INTEGER) <> 0, CAST("headers" AS TEXT), CAST("circuitBreaker" AS TEXT),
                CAST("timeoutConfig" AS TEXT), CAST("queueConfig" AS TEXT), CAST("limits" AS TEXT),
                CAST("rateLimit" AS TEXT), CAST("retryConfig" AS TEXT) FROM "_proxies" "#,
            $rest
        )
    };
}

/// SQLite counts rows up as they are made.
const SELECT_ALL: &str = select!(r#"ORDER BY "rowid""#);

const SELECT_BY_ID: &str = select!(r#"WHERE "id" = ?1"#);

const SELECT_BY_PATH: &str = select!(r#"WHERE "path" = ?1"#);

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
