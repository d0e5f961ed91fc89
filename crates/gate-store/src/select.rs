//! Which rows are asked for.

use crate::Table;
use gate_rules::{Condition, SortKey};

/// Which rows of a table are asked for, and in which order.
#[derive(Clone, Debug)]
pub struct Select {
    /// The table they are in.
    pub table: &'static Table,
    /// What must hold for a row, all of it; made for the [dialect](crate::Store::dialect) of the store.
    pub conditions: Vec<Condition>,
    /// What comes first decides first. Rows that are alike in all of it come in the order in which they were made.
    pub order: Vec<SortKey>,
    /// How many at most; `None` for all.
    pub limit: Option<u64>,
    /// How many of the first ones are passed over.
    pub offset: u64,
}

impl Select {
    /// Every row, in the order in which they were made.
    pub fn all(table: &'static Table) -> Self {
        Select { table, conditions: Vec::new(), order: Vec::new(), limit: None, offset: 0 }
    }
}
