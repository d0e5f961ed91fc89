//! What PostgreSQL's error codes mean to the callers of the store.

use crate::error::{Cause, StoreError};
use crate::{OpenError, Table};
use tracing::warn;

/// The error codes that are told apart (PostgreSQL's documentation, appendix A).
mod code {
    /// The class of failed connections.
    pub(super) const CONNECTION: &str = "08";
    /// The class of failed authentication: a password that was changed while we run.
    pub(super) const AUTHENTICATION: &str = "28";
    pub(super) const NO_SUCH_DATABASE: &str = "3D000";
    pub(super) const IDLE_IN_TRANSACTION: &str = "25P03";
    pub(super) const READ_ONLY: &str = "25006";
    pub(super) const SERIALIZATION_FAILURE: &str = "40001";
    pub(super) const DEADLOCK: &str = "40P01";
    pub(super) const DISK_FULL: &str = "53100";
    pub(super) const TOO_MANY_CONNECTIONS: &str = "53300";
    pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";
    /// The class of an operator's intervention: shut down, starting up, canceled.
    pub(super) const INTERVENTION: &str = "57P";
    /// The statement took longer than it may.
    pub(super) const CANCELED: &str = "57014";
}

/// Why a database cannot be opened; `None` when it is away and may come back.
pub(super) fn open_error(database: String, error: sqlx::Error) -> Option<OpenError> {
    let refused = [code::AUTHENTICATION, code::NO_SUCH_DATABASE];
    if code_of(&error).is_some_and(|code| refused.iter().any(|class| code.starts_with(class))) {
        return Some(OpenError::Failed { database, cause: Cause::new(error) });
    }
    match store_error(error) {
        StoreError::Unavailable(error) => {
            warn!(database, %error, "the database is away");
            None
        }
        StoreError::Busy => Some(OpenError::Locked { database }),
        StoreError::Failed(cause) => Some(OpenError::Failed { database, cause }),
        error => Some(OpenError::Failed { database, cause: Cause::new(error) }),
    }
}

/// Why a statement about no row in particular failed.
pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return StoreError::Unavailable(Cause::new("no connection in time"));
    }
    let Some(code) = code_of(&error) else {
        return if is_lost_connection(&error) {
            StoreError::Unavailable(Cause::new(error))
        } else {
            StoreError::Failed(Cause::new(error))
        };
    };
    match code.as_str() {
        code::LOCK_NOT_AVAILABLE | code::SERIALIZATION_FAILURE | code::DEADLOCK => StoreError::Busy,
        code::READ_ONLY => StoreError::ReadOnly,
        code::DISK_FULL => StoreError::Full,
        code::CANCELED | code::TOO_MANY_CONNECTIONS | code::IDLE_IN_TRANSACTION => {
            StoreError::Unavailable(Cause::new(error))
        }
        class
            if class.starts_with(code::CONNECTION)
                || class.starts_with(code::AUTHENTICATION)
                || class.starts_with(code::INTERVENTION) =>
        {
            StoreError::Unavailable(Cause::new(error))
        }
        _ => StoreError::Failed(Cause::new(error)),
    }
}

/// Why the row `id` of a table was not written.
pub(super) fn write_error(table: &'static Table, id: &str, error: sqlx::Error) -> StoreError {
    match error.as_database_error().filter(|error| error.is_unique_violation()) {
        Some(violation) => {
            let field = violated_column(table, violation.constraint().unwrap_or_default());
            StoreError::NotUnique { id: id.to_owned(), field }
        }
        None => store_error(error),
    }
}

/// The column that an index is named after; the primary key's index has another name, and is that of `id`.
///
/// The message has the column too, but in the language of the server.
fn violated_column(table: &'static Table, index: &str) -> &'static str {
    let mut words = index.split('_').skip(1);
    words.find_map(|word| table.column(word)).map_or("id", |column| column.name)
}

fn code_of(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

fn is_lost_connection(error: &sqlx::Error) -> bool {
    use sqlx::Error::*;
    matches!(error, Io(_) | Tls(_) | Protocol(_) | PoolClosed | WorkerCrashed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PROXIES, SECRETS, SUPERUSERS, USERS};

    #[test]
    fn an_index_is_named_after_its_first_column() {
        for (table, index, column) in [
            (&PROXIES, "idx_proxies_path", "path"),
            (&PROXIES, "_proxies_pkey", "id"),
            (&SUPERUSERS, "idx_tokenKey_pbc_3142635823", "tokenKey"),
            (&USERS, "idx_email__pb_users_auth_", "email"),
            (&SECRETS, "idx_secrets_key_env", "key"),
        ] {
            assert_eq!(violated_column(table, index), column, "{index}");
        }
    }
}
