//! How connections are made, and how long anything may take.

use super::failure::store_error;
use crate::error::Cause;
use crate::{Location, OpenError, StoreError};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::io;
use std::time::Duration;
use tokio::time;

/// How long a connection may take to come about. One that takes longer than a database at hand needs is not worth
/// waiting for: the person at the other end should hear of it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the answer to a statement is waited for, should the server not keep to its own limit: a little longer
/// than that limit and the wait for a lock together.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(12);

/// How long a connection that is put back may take to show that it is alive.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// After a minute without work a connection is closed, of which the server has only so many for everybody.
const CONNECTION_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// What the server is asked for on every connection.
///
/// * No writer holds the lock for 5 s, and no statement over the small tables in here takes that long.
/// * A writer that stopped half-way, with its machine perhaps, gives the lock back after 10 s.
/// * A commit is acknowledged when it is on the disk, whatever the server's own setting is.
const SETTINGS: [(&str, &str); 5] = [
    ("statement_timeout", "6s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("synchronous_commit", "on"),
    ("client_min_messages", "warning"),
];

/// How to connect to the database that a URL names.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    if !Location::is_postgres_url(url) {
        return Err(OpenError::Address { cause: Cause::new("it does not begin with postgres://") });
    }
    let options: PgConnectOptions =
        url.parse().map_err(|cause| OpenError::Address { cause: Cause::new(cause) })?;
    Ok(options.application_name(env!("CARGO_PKG_NAME")).options(SETTINGS).disable_statement_logging())
}

/// What a database is called in a message: without the password.
pub(super) fn name(options: &PgConnectOptions) -> String {
    let host =
        options.get_socket().map_or_else(|| options.get_host().to_owned(), |path| path.display().to_string());
    let database = options.get_database().unwrap_or(options.get_username());
    format!("{database} on {host}:{}", options.get_port())
}

/// A pool that connects when it is asked for the first connection.
pub(super) fn pool(options: &PgConnectOptions, connections_max: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(CONNECT_TIMEOUT)
        .idle_timeout(CONNECTION_IDLE_TIMEOUT)
        // The pool asks as well when it takes one back, but waits for an answer for ever.
        .after_release(|connection, _| Box::pin(async move { Ok(is_alive(connection).await) }))
        .connect_lazy_with(options.clone())
}

/// The result of some work with the database, which is away if it does not come in time.
pub(super) async fn answered<T>(work: impl Future<Output = sqlx::Result<T>>) -> Result<T, StoreError> {
    in_time(work).await.map_err(store_error)
}

/// The same, with the error as the database has it.
pub(super) fn in_time<T>(
    work: impl Future<Output = sqlx::Result<T>>,
) -> impl Future<Output = sqlx::Result<T>> {
    within(ANSWER_TIMEOUT, work)
}

/// The result of some work, or an error of the connection.
pub(super) fn within<T>(
    limit: Duration,
    work: impl Future<Output = sqlx::Result<T>>,
) -> impl Future<Output = sqlx::Result<T>> {
    // Boxed, because a future that waits for a connection is large, and is part of every future of the callers.
    let work = time::timeout(limit, Box::pin(work));
    let silent = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
    async move { work.await.unwrap_or_else(|_| Err(silent())) }
}

/// Closes the connections, without waiting long for those on which nobody answers.
pub(super) async fn close(pool: &PgPool) {
    let _ = time::timeout(PING_TIMEOUT, pool.close()).await;
}

async fn is_alive(connection: &mut PgConnection) -> bool {
    matches!(time::timeout(PING_TIMEOUT, connection.ping()).await, Ok(Ok(())))
}
