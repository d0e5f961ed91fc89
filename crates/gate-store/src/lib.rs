//! The only crate that knows SQL: where records live, and the notice that they changed.
//!
//! Owns the data directory, the schema and its migrations. Writes rows as they are given: ids, dates and the
//! meaning of every field belong to the crate that makes the rows, and nothing in here looks inside them.
//!
//! [`Store`] is one type over every kind of database it can live in; a second kind joins as one more variant
//! behind it and has to pass the same conformance suite (`tests/it/conformance.rs`).

mod changes;
mod directory;
mod error;
mod proxy_row;
mod sqlite;
mod store;

pub use changes::Changes;
pub use error::{Cause, OpenError, StoreError};
pub use proxy_row::ProxyRow;
pub use store::{Change, Store};
