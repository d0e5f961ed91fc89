//! Rows of any table.

use gate_store::{
    ColumnKind, PARAMS, PROXIES, Row, SECRETS, SUPERUSERS, Store, StoreError, Table, USERS, Value,
};

/// The tables of records.
pub(crate) fn tables() -> [&'static Table; 5] {
    [&PROXIES, &SUPERUSERS, &USERS, &SECRETS, &PARAMS]
}

/// A row in which every column differs from its default, from the other columns and from other rows.
pub(crate) fn distinct(table: &'static Table, number: u32) -> Row {
    let mut row = Row::new(table);
    for column in table.columns {
        let value = match column.kind {
            ColumnKind::Text => Value::from(format!("{} {number}", column.name)),
            ColumnKind::Number => Value::from(0.1 + f64::from(number)),
            ColumnKind::Integer => Value::from(i64::from(number) + 1),
            ColumnKind::Bool => Value::from(true),
            ColumnKind::Json => Value::from(format!(r#"{{"{}": {number}}}"#, column.name)),
        };
        row.set(column.name, value);
    }
    row
}

/// Inserts all of them in one transaction.
pub(crate) async fn write(store: &Store, rows: &[Row]) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    for row in rows {
        transaction.insert(row).await?;
    }
    transaction.commit().await
}
