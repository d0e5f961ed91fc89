//! The rows of people who can log in.

use crate::collections::Collection;
use crate::records::Record;
use gate_store::{Row, SUPERUSERS, Table, USERS, Value};

/// The table an auth collection is in; `None` for any other collection.
pub(super) fn table(collection: &Collection) -> Option<&'static Table> {
    let is_its = |table: &&&'static Table| table.name == collection.name;
    [&SUPERUSERS, &USERS].iter().find(is_its).copied().filter(|_| collection.is_auth())
}

/// The record a row of an auth collection stands for.
pub(super) fn record(row: &Row, collection: &'static Collection) -> Record {
    let mut record = Record::new(collection);
    for (column, value) in row.table().columns.iter().zip(row.values()) {
        match value {
            Value::Text(text) => record.set(column.name, text.as_str()),
            Value::Bool(flag) => record.set(column.name, *flag),
            Value::Number(number) => record.set(column.name, *number),
            Value::Integer(number) => record.set(column.name, *number),
            Value::Null => {}
        }
    }
    record
}
