//! Opening a database file without harming one that is not ours to write.

use super::{Contents, failure, schema};
use crate::OpenError;
use crate::schema::VERSION;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a statement waits for another process's lock. A write here holds its lock for milliseconds; whoever
/// holds one for 5 s is not going to give it up soon, and the person at the other end should hear of it.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a caller waits for a connection of the pool: as long as those before it may wait for the lock, and more.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Readers that work at the same time; SQLite writes one at a time whatever this is. Each connection is a thread.
const CONNECTIONS_MAX: u32 = 4;

/// After a minute without work a connection's thread and page cache go back to the system.
const CONNECTION_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The pause between two attempts to switch to the write-ahead log while another process does the same.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// What is found in a database with nothing wrong.
const SOUND: &str = "ok";

/// The first bytes of every SQLite database.
const FILE_HEADER: &[u8] = b"SQLite format 3\0";

/// Looks at the file first, without writing to it, and refuses what is damaged or newer; then brings the schema up
/// to date and opens the pool.
pub(super) async fn open(path: &Path, contents: &Contents) -> Result<SqlitePool, OpenError> {
    inspect(path, contents).await?;
    let updated = async {
        let mut connection = connect_with_log(path).await?;
        schema::update(&mut connection, contents.tables).await?;
        connection.close().await
    };
    updated.await.map_err(|error| failure::open_error(path, error))?;
    Ok(pool(path, contents))
}

/// How every connection that may write is opened.
///
/// * Write-ahead log: readers never wait for a writer, and a process that is killed loses nothing it acknowledged.
/// * `synchronous=FULL`: nor does a machine that loses its power; costs one `fsync` a write, and people write rarely.
/// * Foreign keys are enforced.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    inspection_options(path).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
}

pub(super) fn inspection_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

pub(super) async fn inspect(path: &Path, contents: &Contents) -> Result<(), OpenError> {
    if !begins_like_a_database(path)
        .map_err(|cause| OpenError::NotWritable { path: path.to_owned(), cause })?
    {
        return Err(OpenError::NotADatabase { path: path.to_owned() });
    }
    let looked = async {
        let mut connection = inspection_options(path).connect().await?;
        let version = schema::version(&mut connection).await?;
        let finding = if contents.is_checked { check(&mut connection).await? } else { SOUND.to_owned() };
        connection.close().await?;
        Ok((version, finding))
    };
    let (version, finding) = looked.await.map_err(|error| failure::open_error(path, error))?;
    if finding != SOUND {
        let finding = finding.lines().last().unwrap_or_default().to_owned();
        return Err(OpenError::Corrupt { path: path.to_owned(), finding });
    }
    if version > VERSION {
        let database = path.display().to_string();
        return Err(OpenError::Newer { database, found: version, known: VERSION });
    }
    Ok(())
}

/// What is wrong with a database. One finding is enough to refuse it; on a sound one of 10,000 proxies this takes a few
/// milliseconds.
async fn check(connection: &mut SqliteConnection) -> sqlx::Result<String> {
    sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(connection).await
}

/// SQLite takes a file of a few odd bytes for an empty database and would write over it.
pub(super) fn begins_like_a_database(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    File::open(path)?.take(FILE_HEADER.len() as u64).read_to_end(&mut beginning)?;
    Ok(beginning.is_empty() || beginning == FILE_HEADER)
}

/// Connects and switches to the write-ahead log. SQLite's own waiting does not cover that switch.
async fn connect_with_log(path: &Path) -> sqlx::Result<SqliteConnection> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match options(path).connect().await {
            Err(error) if failure::is_busy(&error) && Instant::now() < deadline => {
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            result => return result,
        }
    }
}

fn pool(path: &Path, contents: &Contents) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(CONNECTION_IDLE_TIMEOUT)
        .connect_lazy_with(options(path).synchronous(contents.synchronous))
}
