//! Running statements, and rows as PostgreSQL hands them over.

use crate::statement::Statement;
use crate::{Column, ColumnKind, Row, Table, Value};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres as Database, Row as _};

/// The rows a statement finds, which asks for every column of the table in turn.
pub(super) async fn rows(
    connection: &mut PgConnection,
    table: &'static Table,
    statement: Statement,
) -> sqlx::Result<Vec<Row>> {
    let rows = query(statement).fetch_all(connection).await?;
    rows.iter().map(|row| read(table, row)).collect()
}

/// The count a statement asks for.
pub(super) async fn count(connection: &mut PgConnection, statement: Statement) -> sqlx::Result<u64> {
    let count: i64 = query(statement).fetch_one(connection).await?.try_get(0)?;
    Ok(count.unsigned_abs())
}

/// Runs a statement that changes rows, and returns how many.
pub(super) async fn write(connection: &mut PgConnection, statement: Statement) -> sqlx::Result<u64> {
    Ok(query(statement).execute(connection).await?.rows_affected())
}

/// The text of a statement has names of this program's tables and no value in it.
fn query(statement: Statement) -> Query<'static, Database, PgArguments> {
    let query = sqlx::query(AssertSqlSafe(statement.sql));
    statement.arguments.into_iter().fold(query, |query, value| match value {
        Value::Null => query.bind(None::<String>),
        Value::Bool(flag) => query.bind(flag),
        Value::Integer(number) => query.bind(number),
        Value::Number(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
    })
}

fn read(table: &'static Table, row: &PgRow) -> sqlx::Result<Row> {
    let columns = table.columns.iter().enumerate();
    let values = columns.map(|(position, column)| value(column, row, position)).collect::<Result<_, _>>()?;
    Ok(Row::with_values(table, values))
}

fn value(column: &Column, row: &PgRow, position: usize) -> sqlx::Result<Value> {
    let value = match column.kind {
        ColumnKind::Text | ColumnKind::Json => row.try_get::<Option<String>, _>(position)?.into(),
        ColumnKind::Number => row.try_get::<Option<f64>, _>(position)?.into(),
        ColumnKind::Integer => row.try_get::<Option<i64>, _>(position)?.into(),
        ColumnKind::Bool => row.try_get::<Option<bool>, _>(position)?.into(),
    };
    Ok(Value::stored_in(value, column.kind))
}
