//! The tables: names, types and indexes are PocketBase's own and the fork's (contract §1.4, §1.11, §3.1, §3.3), so
//! that a database of either opens as it is.

use super::table::{Column, Index, IndexKind, Table};

/// The schema version this program writes, kept in the database; one with a greater number is from the future.
///
/// Counted up with every change of the tables below. A database is brought up to date by adding what it lacks; a
/// change that has to move rows around gets a step of its own beside that.
pub(crate) const VERSION: i64 = 3;

/// What is in the database of the records.
pub(crate) const RECORD_TABLES: &[&Table] = &[&PROXIES, &SUPERUSERS, &USERS, &SECRETS, &PARAMS];

/// What is in the database of the logs.
pub(crate) const LOG_TABLES: &[&Table] = &[&LOGS];

/// `_proxies` (contract §3.1, D-8, D-21, D-22, D-25, D-27).
///
/// The defaults serve programs that write SQL themselves: a row without `active`, `stripPath` and `timeout` behaves
/// like one created through pocketgate (contract D-2).
pub static PROXIES: Table = Table {
    name: "_proxies",
    columns: &[
        Column::id(),
        Column::time("created"),
        Column::time("updated"),
        Column::text("path"),
        Column::text("upstream"),
        Column::text("name"),
        Column::text("description"),
        Column::flag("active").or("TRUE"),
        Column::flag("stripPath").or("TRUE"),
        Column::text("accessRule"),
        Column::number("timeout").or("30"),
        Column::integer("maxConcurrent"),
        Column::flag("forwardAuth"),
        Column::flag("forwardEncoding"),
        Column::flag("forwardPreflight"),
        Column::json("headers"),
        Column::json("circuitBreaker"),
        Column::json("timeoutConfig"),
        Column::json("queueConfig"),
        Column::json("limits"),
        Column::json("rateLimit"),
        Column::json("retryConfig"),
    ],
    indexes: &[
        Index { name: "idx_proxies_path", columns: &["path"], kind: IndexKind::Unique },
        Index { name: "idx_proxies_active", columns: &["active"], kind: IndexKind::Plain },
    ],
};

/// `_superusers` (contract §1.4). `password` is a bcrypt hash, `tokenKey` signs the record's tokens.
pub static SUPERUSERS: Table = Table {
    name: "_superusers",
    columns: &[
        Column::id(),
        Column::time("created"),
        Column::time("updated"),
        Column::text("email"),
        Column::flag("emailVisibility"),
        Column::flag("verified"),
        Column::text("password"),
        Column::text("tokenKey"),
    ],
    indexes: &[
        Index { name: "idx_tokenKey_pbc_3142635823", columns: &["tokenKey"], kind: IndexKind::Unique },
        Index { name: "idx_email_pbc_3142635823", columns: &["email"], kind: IndexKind::UniqueUnlessEmpty },
    ],
};

/// `users` (contract §1.4). Columns that an operator of PocketBase added stay as they are.
pub static USERS: Table = Table {
    name: "users",
    columns: &[
        Column::id(),
        Column::time("created"),
        Column::time("updated"),
        Column::text("email"),
        Column::flag("emailVisibility"),
        Column::flag("verified"),
        Column::text("name"),
        Column::text("avatar"),
        Column::text("password"),
        Column::text("tokenKey"),
    ],
    indexes: &[
        Index { name: "idx_tokenKey__pb_users_auth_", columns: &["tokenKey"], kind: IndexKind::Unique },
        Index { name: "idx_email__pb_users_auth_", columns: &["email"], kind: IndexKind::UniqueUnlessEmpty },
    ],
};

/// `_secrets` (contract §3.3). `value` is encrypted by whoever writes the row.
pub static SECRETS: Table = Table {
    name: "_secrets",
    columns: &[
        Column::id(),
        Column::text("key"),
        Column::text("value"),
        Column::text("env").or("'global'"),
        Column::text("description"),
        Column::time("created"),
        Column::time("updated"),
    ],
    indexes: &[Index { name: "idx_secrets_key_env", columns: &["key", "env"], kind: IndexKind::Unique }],
};

/// `_params`: one row for each thing that is kept as a whole, such as the settings.
pub static PARAMS: Table = Table {
    name: "_params",
    columns: &[Column::id(), Column::json("value"), Column::time("created"), Column::time("updated")],
    indexes: &[],
};

/// `_logs` (contract §1.11).
pub static LOGS: Table = Table {
    name: "_logs",
    columns: &[
        Column::id(),
        Column::integer("level"),
        Column::text("message"),
        Column::json("data").or("'{}'"),
        Column::time("created"),
    ],
    indexes: &[
        Index { name: "idx_logs_level", columns: &["level"], kind: IndexKind::Plain },
        Index { name: "idx_logs_created", columns: &["created"], kind: IndexKind::Plain },
    ],
};

/// What the logs are counted up in: no table of its own, but a row for each hour.
pub(crate) static LOGS_PER_HOUR: Table =
    Table { name: "hours", columns: &[Column::text("hour"), Column::integer("total")], indexes: &[] };
