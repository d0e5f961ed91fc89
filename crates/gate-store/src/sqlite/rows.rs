//! Running statements, and rows as SQLite hands them over.

use super::failure::{store_error, write_error};
use crate::statement::Statement;
use crate::{Column, ColumnKind, Row, StoreError, Table, Value};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _, Sqlite as Database, SqliteConnection};

/// The rows a statement finds, which asks for every column of the table in turn.
pub(super) async fn rows(
    connection: &mut SqliteConnection,
    table: &'static Table,
    statement: Statement,
) -> Result<Vec<Row>, StoreError> {
    let rows = query(statement).fetch_all(connection).await.map_err(store_error)?;
    rows.iter().map(|row| read(table, row)).collect::<Result<_, _>>().map_err(store_error)
}

/// The count a statement asks for.
pub(super) async fn count(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> Result<u64, StoreError> {
    let counted = query(statement).fetch_one(connection).await.map_err(store_error)?;
    let count: i64 = counted.try_get(0).map_err(store_error)?;
    Ok(count.unsigned_abs())
}

/// Writes the row `id` of a table, and returns how many rows that changed.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    statement: Statement,
) -> Result<u64, StoreError> {
    let written =
        query(statement).execute(connection).await.map_err(|error| write_error(table, id, error))?;
    Ok(written.rows_affected())
}

/// The text of a statement has names of this program's tables and no value in it.
fn query(statement: Statement) -> Query<'static, Database, SqliteArguments> {
    let query = sqlx::query(AssertSqlSafe(statement.sql));
    statement.arguments.into_iter().fold(query, |query, value| match value {
        Value::Null => query.bind(None::<String>),
        Value::Bool(flag) => query.bind(flag),
        Value::Integer(number) => query.bind(number),
        Value::Number(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
    })
}

fn read(table: &'static Table, row: &SqliteRow) -> sqlx::Result<Row> {
    let columns = table.columns.iter().enumerate();
    let values = columns.map(|(position, column)| value(column, row, position)).collect::<Result<_, _>>()?;
    Ok(Row::with_values(table, values))
}

/// Bytes that are no text become replacement characters: one odd row hides no other.
fn value(column: &Column, row: &SqliteRow, position: usize) -> sqlx::Result<Value> {
    let value = match column.kind {
        ColumnKind::Text | ColumnKind::Json => {
            let bytes: Option<&[u8]> = row.try_get_unchecked(position)?;
            bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).into()
        }
        ColumnKind::Number => row.try_get_unchecked::<Option<f64>, _>(position)?.into(),
        ColumnKind::Integer => row.try_get_unchecked::<Option<i64>, _>(position)?.into(),
        ColumnKind::Bool => row.try_get_unchecked::<Option<bool>, _>(position)?.into(),
    };
    Ok(Value::stored_in(value, column.kind))
}
