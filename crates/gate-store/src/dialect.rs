//! The SQL a database understands.

/// The SQL a database understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    #[expect(dead_code, reason = "the next kind of database")]
    Postgres,
}
