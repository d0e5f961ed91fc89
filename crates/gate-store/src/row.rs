//! One row of any table.

use crate::{Table, Value};
use std::fmt;
use std::hash::{Hash, Hasher};

/// One row of a table. `Debug` shows which one it is and no other value.
///
/// Invariant: as many values as the table has columns, each of its column's kind.
#[derive(Clone, PartialEq)]
pub struct Row {
    table: &'static Table,
    values: Vec<Value>,
}

impl Row {
    /// A row with nothing in it: empty, zero, false and null.
    pub fn new(table: &'static Table) -> Self {
        let values = table.columns.iter().map(|column| Value::nothing(column.kind)).collect();
        Row { table, values }
    }

    /// The row with these values, in the order of the table's columns.
    pub(crate) fn with_values(table: &'static Table, values: Vec<Value>) -> Self {
        debug_assert_eq!(table.columns.len(), values.len());
        Row { table, values }
    }

    /// The table it is a row of.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// The values, in the order of the table's columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The value in a column; null for one the table does not have.
    pub fn value(&self, column: &str) -> &Value {
        self.table.position(column).and_then(|position| self.values.get(position)).unwrap_or(&Value::Null)
    }

    /// The id every row has.
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// The text in a column of text or JSON; empty where there is none.
    pub fn text(&self, column: &str) -> &str {
        match self.value(column) {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// The JSON in a column of it; `None` for null.
    pub fn json(&self, column: &str) -> Option<&str> {
        match self.value(column) {
            Value::Text(json) => Some(json),
            _ => None,
        }
    }

    /// The number in a column of numbers, whole ones too; 0 elsewhere.
    pub fn number(&self, column: &str) -> f64 {
        match self.value(column) {
            Value::Number(number) => *number,
            #[expect(clippy::cast_precision_loss, reason = "the numbers people write are exact in either")]
            Value::Integer(number) => *number as f64,
            _ => 0.0,
        }
    }

    /// The number in a column of whole numbers; 0 elsewhere.
    pub fn integer(&self, column: &str) -> i64 {
        match self.value(column) {
            Value::Integer(number) => *number,
            _ => 0,
        }
    }

    /// The flag in a column of flags; false elsewhere.
    pub fn flag(&self, column: &str) -> bool {
        matches!(self.value(column), Value::Bool(true))
    }

    /// Puts a value into a column, which takes it as one of its kind: a value that has no place there is nothing
    /// (empty, zero, false, null). A column the table does not have takes none.
    pub fn set(&mut self, column: &str, value: impl Into<Value>) {
        let place = self.table.columns.iter().zip(&mut self.values).find(|(found, _)| found.name == column);
        debug_assert!(place.is_some(), "{} has no column {column}", self.table.name);
        if let Some((column, place)) = place {
            *place = value.into().stored_in(column.kind);
        }
    }

    /// The same, for a row that is being put together.
    #[must_use]
    pub fn with(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.set(column, value);
        self
    }
}

/// By what is in it.
impl Hash for Row {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.values.hash(state);
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("table", &self.table.name).field("id", &self.id()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PROXIES, SUPERUSERS};

    #[test]
    fn a_new_row_holds_nothing() {
        let row = Row::new(&PROXIES);
        assert_eq!((row.text("path"), row.number("timeout"), row.flag("active")), ("", 0.0, false));
        assert_eq!(row.json("headers"), None);
        assert_eq!(*row.value("no such column"), Value::Null);
    }

    #[test]
    fn a_column_takes_a_value_as_one_of_its_kind() {
        let row = Row::new(&PROXIES)
            .with("timeout", 5_i64)
            .with("maxConcurrent", 7.9)
            .with("name", Value::Null)
            .with("active", "yes")
            .with("headers", Some("{}"));
        assert_eq!(*row.value("timeout"), Value::Number(5.0));
        assert_eq!(*row.value("maxConcurrent"), Value::Integer(7));
        assert_eq!(*row.value("name"), Value::from(""));
        assert_eq!(*row.value("active"), Value::Bool(false));
        assert_eq!(row.json("headers"), Some("{}"));
    }

    #[test]
    fn debug_shows_no_value() {
        let row =
            Row::new(&SUPERUSERS).with("id", "abc").with("password", "canary").with("tokenKey", "canary");
        let shown = format!("{row:?} {:?}", row.values());
        assert!(shown.contains("abc") && !shown.contains("canary"), "{shown}");
    }
}
