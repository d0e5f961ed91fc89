//! Which rows are asked for.

use crate::Table;

/// Which rows of a table are asked for, and in which order.
#[derive(Clone, Debug)]
pub struct Select {
    /// The table they are in.
    pub table: &'static Table,
    /// How many at most; `None` for all.
    pub limit: Option<u64>,
    /// How many of the first ones are passed over.
    pub offset: u64,
}

impl Select {
    /// Every row, in the order in which they were made.
    pub fn all(table: &'static Table) -> Self {
        Select { table, limit: None, offset: 0 }
    }
}
