//! The statements over any table, in the words both kinds of database understand.

use crate::{Column, ColumnKind, Row, Select, Table, Value};
use gate_rules::{Condition, Dialect, PLACEHOLDER, Parameter};

/// One statement, and the values for its `$1`, `$2`, … (which SQLite numbers as well).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) arguments: Vec<Value>,
}

impl Statement {
    /// The rows that a caller asks for; those that are alike come in the order in which they were made.
    pub(crate) fn select(select: &Select, dialect: Dialect) -> Self {
        let mut statement = Statement::reading(select.table, dialect);
        statement.push_conditions(&select.conditions);
        statement.push(" ORDER BY ");
        for key in &select.order {
            statement.push(&format!("{}, ", key.to_sql(dialect)));
        }
        statement.push(r#""rowid""#);
        if let Some(limit) = select.limit {
            statement.push(" LIMIT ");
            statement.push_count(limit);
        } else if select.offset > 0 && dialect == Dialect::Sqlite {
            statement.push(" LIMIT -1"); // it knows no offset without a limit
        }
        if select.offset > 0 {
            statement.push(" OFFSET ");
            statement.push_count(select.offset);
        }
        statement
    }

    /// How many rows there are for which all of the conditions hold.
    pub(crate) fn count(table: &Table, conditions: &[Condition]) -> Self {
        let mut statement = Statement::default();
        statement.push(&format!(r#"SELECT COUNT(*) FROM "{}""#, table.name));
        statement.push_conditions(conditions);
        statement
    }

    /// The first row with this very value in a column.
    pub(crate) fn find(table: &Table, column: &str, value: Value, dialect: Dialect) -> Self {
        let mut statement = Statement::reading(table, dialect);
        statement.push(&format!(r#" WHERE "{column}" = "#));
        // True already, but without it the databases do not use an index that leaves out the empty ones.
        let not_empty = table.index_leaves_out_empty(column) && value != Value::from("");
        statement.push_argument(value);
        if not_empty {
            statement.push(&format!(r#" AND "{column}" <> ''"#));
        }
        statement.push(r#" ORDER BY "rowid" LIMIT 1"#);
        statement
    }

    pub(crate) fn insert(row: &Row) -> Self {
        let mut statement = Statement::default();
        let names: Vec<String> = row.table().columns.iter().map(quoted).collect();
        statement.push(&format!(r#"INSERT INTO "{}" ({}) VALUES ("#, row.table().name, names.join(", ")));
        for (position, value) in row.values().iter().enumerate() {
            statement.push(if position == 0 { "" } else { ", " });
            statement.push_argument(value.clone());
        }
        statement.push(")");
        statement
    }

    /// Puts the row in the place of the one with its id, which keeps its `created`.
    pub(crate) fn update(row: &Row, expected_updated: Option<&str>) -> Self {
        let mut statement = Statement::default();
        statement.push(&format!(r#"UPDATE "{}" SET "#, row.table().name));
        let columns = row.table().columns.iter().zip(row.values());
        let changed = columns.filter(|(column, _)| !matches!(column.name, "id" | "created"));
        for (position, (column, value)) in changed.enumerate() {
            statement.push(if position == 0 { "" } else { ", " });
            statement.push(&format!("{} = ", quoted(column)));
            statement.push_argument(value.clone());
        }
        statement.push(r#" WHERE "id" = "#);
        statement.push_argument(row.id().into());
        if let Some(expected) = expected_updated {
            statement.push(r#" AND "updated" = "#);
            statement.push_argument(expected.into());
        }
        statement
    }

    pub(crate) fn delete(table: &Table, id: &str) -> Self {
        let mut statement = Statement::default();
        statement.push(&format!(r#"DELETE FROM "{}" WHERE "id" = "#, table.name));
        statement.push_argument(id.into());
        statement
    }

    /// How many logs there were in each hour, the earliest first.
    pub(crate) fn logs_per_hour(conditions: &[Condition]) -> Self {
        let mut statement = Statement::default();
        statement
            .push(r#"SELECT substr("created", 1, 13) || ':00:00.000Z' AS "hour", COUNT(*) FROM "_logs""#);
        statement.push_conditions(conditions);
        statement.push(" GROUP BY 1 ORDER BY 1");
        statement
    }

    pub(crate) fn delete_logs_before(time: &str) -> Self {
        let mut statement = Statement::delete_logs();
        statement.push(r#" WHERE "created" < "#);
        statement.push_argument(time.into());
        statement
    }

    /// Keeps so many of the newest, and what is as old as the oldest of them.
    pub(crate) fn delete_logs_but(newest: u64) -> Self {
        let mut statement = Statement::delete_logs();
        let oldest = newest.saturating_sub(1);
        statement.push(
            r#" WHERE "created" < (SELECT "created" FROM "_logs" ORDER BY "created" DESC LIMIT 1 OFFSET "#,
        );
        statement.push(&format!("{oldest})"));
        statement
    }

    pub(crate) fn delete_logs() -> Self {
        Statement { sql: r#"DELETE FROM "_logs""#.to_owned(), arguments: Vec::new() }
    }

    fn reading(table: &Table, dialect: Dialect) -> Self {
        let columns: Vec<String> = table.columns.iter().map(|column| read(column, dialect)).collect();
        let sql = format!(r#"SELECT {} FROM "{}""#, columns.join(", "), table.name);
        Statement { sql, arguments: Vec::new() }
    }

    fn push_conditions(&mut self, conditions: &[Condition]) {
        for (position, condition) in conditions.iter().enumerate() {
            self.push(if position == 0 { " WHERE (" } else { " AND (" });
            self.push_condition(condition);
            self.push(")");
        }
    }

    /// A condition leaves open which numbers its parameters get.
    fn push_condition(&mut self, condition: &Condition) {
        let mut parameters = condition.parameters.iter();
        for (position, piece) in condition.sql.split(PLACEHOLDER).enumerate() {
            if position > 0 {
                self.push_argument(match parameters.next() {
                    Some(Parameter::Number(number)) => Value::Number(*number),
                    Some(Parameter::Text(text)) => Value::Text(text.clone()),
                    None => Value::Null,
                });
            }
            self.push(piece);
        }
    }

    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    fn push_count(&mut self, count: u64) {
        self.push_argument(Value::Integer(count.try_into().unwrap_or(i64::MAX)));
    }

    fn push_argument(&mut self, value: Value) {
        self.arguments.push(value);
        self.push(&format!("${}", self.arguments.len()));
    }
}

fn quoted(column: &Column) -> String {
    format!(r#""{}""#, column.name)
}

/// A column as a value of its kind. SQLite keeps whatever another program put there: junk becomes an empty text, 0
/// or false, as PocketBase casts it.
fn read(column: &Column, dialect: Dialect) -> String {
    let name = quoted(column);
    match (dialect, column.kind) {
        (Dialect::Postgres, _) => name,
        (Dialect::Sqlite, ColumnKind::Text | ColumnKind::Json) => format!("CAST({name} AS TEXT)"),
        (Dialect::Sqlite, ColumnKind::Number) => format!("CAST({name} AS REAL)"),
        (Dialect::Sqlite, ColumnKind::Integer) => format!("CAST({name} AS INTEGER)"),
        (Dialect::Sqlite, ColumnKind::Bool) => format!("CAST({name} AS INTEGER) <> 0"),
    }
}
