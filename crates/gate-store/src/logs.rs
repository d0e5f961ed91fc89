//! What happened, as the API shows it.

use crate::postgres::Postgres;
use crate::schema::LOGS_PER_HOUR;
use crate::sqlite::LogFile;
use crate::statement::Statement;
use crate::{LOGS, Row, Select, StoreError, Table, Value};
use gate_rules::{Condition, Dialect};
use std::path::Path;
use std::sync::Arc;

/// The logs: rows of [`LOGS`], in a database or on connections of their own, so that a slow or broken log is in
/// nobody's way. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Logs {
    backend: Backend,
}

#[derive(Clone, Debug)]
enum Backend {
    Sqlite(Arc<LogFile>),
    Postgres(Postgres),
}

/// How many logs there were in an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsInHour {
    /// When it began: `2006-01-02 15:00:00.000Z`.
    pub hour: String,
    /// How many.
    pub total: u64,
}

impl Logs {
    pub(crate) fn in_file(directory: &Path) -> Self {
        Logs { backend: Backend::Sqlite(Arc::new(LogFile::new(directory))) }
    }

    pub(crate) fn in_postgres(postgres: Postgres) -> Self {
        Logs { backend: Backend::Postgres(postgres) }
    }

    pub(crate) async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(file) => file.close().await,
            Backend::Postgres(postgres) => postgres.clone().close().await,
        }
    }

    /// Adds rows of [`LOGS`], all of them or none.
    pub async fn append(&self, rows: &[Row]) -> Result<(), StoreError> {
        self.run(rows.iter().map(Statement::insert).collect()).await.map(drop)
    }

    /// The logs asked for.
    pub async fn select(&self, select: &Select) -> Result<Vec<Row>, StoreError> {
        self.rows(select.table, Statement::select(select, self.dialect())).await
    }

    /// How many logs there are for which all of the conditions hold.
    pub async fn count(&self, conditions: &[Condition]) -> Result<u64, StoreError> {
        let statement = Statement::count(&LOGS, conditions);
        match &self.backend {
            Backend::Sqlite(file) => file.database().await?.count(statement).await,
            Backend::Postgres(postgres) => postgres.count(statement).await,
        }
    }

    /// The log with this id.
    pub async fn find(&self, id: &str) -> Result<Option<Row>, StoreError> {
        let id = Value::from(id);
        if !id.is_storable() {
            return Ok(None);
        }
        Ok(self.rows(&LOGS, Statement::find(&LOGS, "id", id, self.dialect())).await?.pop())
    }

    /// How many logs there were in each hour that had any, the earliest first (contract §1.11); of those for which all
    /// of the conditions hold.
    pub async fn per_hour(&self, conditions: &[Condition]) -> Result<Vec<LogsInHour>, StoreError> {
        let hours = self.rows(&LOGS_PER_HOUR, Statement::logs_per_hour(conditions)).await?;
        let hour = |row: &Row| LogsInHour {
            hour: row.text("hour").to_owned(),
            total: row.integer("total").unsigned_abs(),
        };
        Ok(hours.iter().map(hour).collect())
    }

    /// Deletes what was made before a time, `2006-01-02 15:04:05.000Z`, and returns how many that were.
    pub async fn delete_before(&self, time: &str) -> Result<u64, StoreError> {
        self.run(vec![Statement::delete_logs_before(time)]).await
    }

    /// Deletes all but so many of the newest, and returns how many that were. Those of one millisecond stay or go together.
    pub async fn keep_newest(&self, count: u64) -> Result<u64, StoreError> {
        self.run(vec![Statement::delete_logs_but(count)]).await
    }

    /// Deletes all of them, and gives their room back.
    pub async fn truncate(&self) -> Result<(), StoreError> {
        self.run(vec![Statement::delete_logs()]).await?;
        match &self.backend {
            Backend::Sqlite(file) => file.database().await?.shrink().await,
            Backend::Postgres(_) => Ok(()), // does so by itself
        }
    }

    async fn rows(&self, table: &'static Table, statement: Statement) -> Result<Vec<Row>, StoreError> {
        match &self.backend {
            Backend::Sqlite(file) => file.database().await?.rows(table, statement).await,
            Backend::Postgres(postgres) => postgres.rows(table, statement).await,
        }
    }

    async fn run(&self, statements: Vec<Statement>) -> Result<u64, StoreError> {
        match &self.backend {
            Backend::Sqlite(file) => file.database().await?.run(statements).await,
            Backend::Postgres(postgres) => postgres.run(statements).await,
        }
    }

    /// The SQL that conditions have to be made for.
    pub fn dialect(&self) -> Dialect {
        match &self.backend {
            Backend::Sqlite(_) => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }
}
