//! Reads the log.

use super::entry::document;
use super::log::RequestLog;
use gate_rules::{Condition, Context, FieldKind, Rule, RuleError, Scope, Value as RuleValue, sort_keys};
use gate_store::{LOGS, Select, StoreError};
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::time::SystemTime;

/// How many lines an hour has, as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogsInHour {
    /// When it began: `2006-01-02 15:00:00.000Z`.
    pub date: String,
    /// How many.
    pub total: u64,
}

/// Why the log is not shown.
#[derive(Debug, thiserror::Error)]
pub enum LogQueryError {
    /// The filter or the order cannot be read.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RequestLog {
    /// The lines that satisfy a filter, in an order; both as they were typed, and both may be empty.
    pub async fn list(
        &self,
        filter: &str,
        sort: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Map<String, Value>>, LogQueryError> {
        let select = Select {
            conditions: self.conditions(filter)?,
            order: sort_keys(sort, &SCOPE)?,
            limit: Some(limit),
            offset,
            ..Select::all(&LOGS)
        };
        Ok(self.store.logs().select(&select).await?.iter().map(document).collect())
    }

    /// How many lines satisfy a filter.
    pub async fn count(&self, filter: &str) -> Result<u64, LogQueryError> {
        Ok(self.store.logs().count(&self.conditions(filter)?).await?)
    }

    /// How many lines that satisfy a filter there were in each hour that had any, the earliest first.
    pub async fn per_hour(&self, filter: &str) -> Result<Vec<LogsInHour>, LogQueryError> {
        let hours = self.store.logs().per_hour(&self.conditions(filter)?).await?;
        Ok(hours.into_iter().map(|hour| LogsInHour { date: hour.hour, total: hour.total }).collect())
    }

    /// One line.
    pub async fn find(&self, id: &str) -> Result<Option<Map<String, Value>>, StoreError> {
        Ok(self.store.logs().find(id).await?.as_ref().map(document))
    }

    fn conditions(&self, filter: &str) -> Result<Vec<Condition>, RuleError> {
        if filter.trim().is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![Rule::compile(filter, &SCOPE)?.to_sql(self.store.dialect(), &NoRequest)])
    }
}

/// What the log can be filtered and sorted by; paths lead into `data`.
const SCOPE: Scope<'static> = Scope::new(&[
    ("id", FieldKind::Text),
    ("created", FieldKind::Text),
    ("level", FieldKind::Number),
    ("message", FieldKind::Text),
    ("data", FieldKind::Json),
]);

/// A filter of the log asks about lines alone: `@request.*` is null.
struct NoRequest;

impl Context for NoRequest {
    fn method(&self) -> &'static str {
        "GET"
    }

    fn auth(&self, _: &str) -> RuleValue<'_> {
        RuleValue::Null
    }

    fn header(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn query(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn field(&self, _: &str) -> RuleValue<'_> {
        RuleValue::Null
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
