//! The tables in SQL.

use super::table::{Column, ColumnKind, DefaultValue, Index, IndexKind, Table};
use gate_rules::Dialect;

/// Makes a table that is missing; one that is there stays as it is.
pub(crate) fn create_table(table: &Table, dialect: Dialect) -> String {
    let columns: Vec<String> =
        table.columns.iter().map(|column| definition(column, dialect, default(column, dialect))).collect();
    let order = match dialect {
        Dialect::Sqlite => "", // every table has a rowid
        Dialect::Postgres => r#", "rowid" BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE"#, // with an index, for long logs
    };
    format!(r#"CREATE TABLE IF NOT EXISTS "{}" ({}{order})"#, table.name, columns.join(", "))
}

/// Adds a column that a table of another program, or of an older version, lacks.
pub(crate) fn add_column(table: &Table, column: &Column, dialect: Dialect) -> String {
    let default = match column.default {
        // SQLite adds no column whose default is computed, and old rows were not made now.
        DefaultValue::Id | DefaultValue::Now => "''",
        DefaultValue::Nothing | DefaultValue::Constant(_) => default(column, dialect),
    };
    format!(r#"ALTER TABLE "{}" ADD COLUMN {}"#, table.name, definition(column, dialect, default))
}

/// Makes the indexes that are missing.
pub(crate) fn create_indexes(table: &Table) -> impl Iterator<Item = String> {
    table.indexes.iter().map(|index| create_index(table, index))
}

fn create_index(table: &Table, index: &Index) -> String {
    let Index { name, columns, kind } = index;
    let unique = if *kind == IndexKind::Plain { "" } else { "UNIQUE " };
    let quoted: Vec<String> = columns.iter().map(|column| format!(r#""{column}""#)).collect();
    let columns = quoted.join(", ");
    let rows =
        if *kind == IndexKind::UniqueUnlessEmpty { format!(" WHERE {columns} <> ''") } else { String::new() };
    format!(r#"CREATE {unique}INDEX IF NOT EXISTS "{name}" ON "{}" ({columns}){rows}"#, table.name)
}

fn definition(column: &Column, dialect: Dialect, default: &str) -> String {
    let constraint = match (column.name, column.kind) {
        ("id", _) => "PRIMARY KEY NOT NULL ",
        (_, ColumnKind::Json) => "",
        _ => "NOT NULL ",
    };
    format!(r#""{}" {} {constraint}DEFAULT {default}"#, column.name, column_type(column.kind, dialect))
}

/// On PostgreSQL text is compared and ordered by its bytes, as SQLite does it, and JSON stays the text it was.
fn column_type(kind: ColumnKind, dialect: Dialect) -> &'static str {
    match (dialect, kind) {
        (Dialect::Sqlite, ColumnKind::Text) => "TEXT",
        (Dialect::Sqlite, ColumnKind::Json) => "JSON",
        (Dialect::Sqlite, ColumnKind::Number) => "NUMERIC",
        (Dialect::Sqlite, ColumnKind::Integer) => "INTEGER",
        (Dialect::Postgres, ColumnKind::Text | ColumnKind::Json) => r#"TEXT COLLATE "C""#,
        (Dialect::Postgres, ColumnKind::Number) => "DOUBLE PRECISION",
        (Dialect::Postgres, ColumnKind::Integer) => "BIGINT",
        (_, ColumnKind::Bool) => "BOOLEAN",
    }
}

fn default(column: &Column, dialect: Dialect) -> &'static str {
    match (&column.default, dialect) {
        (DefaultValue::Constant(expression), _) => expression,
        (DefaultValue::Nothing, _) => match column.kind {
            ColumnKind::Text => "''",
            ColumnKind::Number | ColumnKind::Integer => "0",
            ColumnKind::Bool => "FALSE",
            ColumnKind::Json => "NULL",
        },
        (DefaultValue::Id, Dialect::Sqlite) => "('r' || lower(hex(randomblob(7))))",
        (DefaultValue::Id, Dialect::Postgres) => "('r' || substr(md5(random()::text), 1, 14))",
        (DefaultValue::Now, Dialect::Sqlite) => "(strftime('%Y-%m-%d %H:%M:%fZ'))",
        (DefaultValue::Now, Dialect::Postgres) => {
            r#"(to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS"Z"'))"#
        }
    }
}
