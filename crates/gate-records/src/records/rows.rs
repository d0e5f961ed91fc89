//! Records as the store keeps them.

use super::record::Record;
use crate::collections::{Collection, Field, FieldKind, PROXIES, SUPERUSERS, USERS};
use crate::json_number;
use gate_store::{ColumnKind, Row, Table, Value as Stored};
use serde_json::Value;

impl Collection {
    /// The table its records are in.
    pub(crate) fn table(&self) -> &'static Table {
        match self.name {
            name if name == PROXIES.name => &gate_store::PROXIES,
            name if name == SUPERUSERS.name => &gate_store::SUPERUSERS,
            name if name == USERS.name => &gate_store::USERS,
            _ => &gate_store::SECRETS,
        }
    }
}

impl Record {
    /// The record a row holds. A field without a column is empty.
    pub fn from_row(collection: &'static Collection, row: &Row) -> Self {
        let mut record = Record::new(collection);
        for field in &collection.fields {
            if row.table().column(field.name).is_some() {
                record.put(field.name, shown(field, row));
            }
        }
        record
    }

    /// The row it is stored as.
    pub(crate) fn to_row(&self) -> Row {
        let mut row = Row::new(self.collection().table());
        for column in row.table().columns {
            row.set(column.name, stored(self.value(column.name), column.kind));
        }
        row
    }
}

/// JSON that another program left broken is shown as the text it is: nothing is lost, and the next save says so.
fn shown(field: &Field, row: &Row) -> Value {
    match field.kind {
        FieldKind::Bool => Value::Bool(row.flag(field.name)),
        FieldKind::Number { .. } => json_number(row.number(field.name)),
        FieldKind::Json { .. } => match row.json(field.name) {
            None | Some("") => Value::Null,
            Some(text) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        },
        _ => row.text(field.name).into(),
    }
}

fn stored(value: &Value, kind: ColumnKind) -> Stored {
    match (kind, value) {
        (_, Value::Null) => Stored::Null,
        (ColumnKind::Json, value) => Stored::Text(value.to_string()),
        (_, Value::Bool(flag)) => Stored::Bool(*flag),
        (_, Value::Number(number)) => Stored::Number(number.as_f64().unwrap_or_default()),
        (_, Value::String(text)) => Stored::Text(text.clone()),
        (_, Value::Array(_) | Value::Object(_)) => Stored::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::SECRETS;
    use serde_json::json;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut proxy = Record::new(&PROXIES);
        for (field, value) in [
            ("id", json!("abcdefghij01234")),
            ("active", json!(true)),
            ("timeout", json!(1.5)),
            ("maxConcurrent", json!(3)),
            ("headers", json!({"X": "{env.A}"})),
        ] {
            proxy.set(field, value);
        }
        assert_eq!(Record::from_row(&PROXIES, &proxy.to_row()), proxy);
    }

    #[test]
    fn every_field_has_a_column_but_those_that_are_computed() {
        for collection in Collection::all() {
            let without: Vec<_> = collection
                .fields
                .iter()
                .map(|field| field.name)
                .filter(|name| collection.table().column(name).is_none())
                .collect();
            let expected: &[&str] = if collection.name == SECRETS.name { &["masked_value"] } else { &[] };
            assert_eq!(without, expected, "{}", collection.name);
            assert_eq!(collection.table().name, collection.name);
        }
    }

    #[test]
    fn broken_json_of_another_program_is_shown_as_text() {
        let row = Record::new(&PROXIES).to_row().with("headers", "{");
        assert_eq!(*Record::from_row(&PROXIES, &row).value("headers"), json!("{"));
    }
}
