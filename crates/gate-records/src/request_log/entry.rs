//! One line of the log.

use crate::record_id;
use crate::timestamp::Timestamp;
use gate_store::{LOGS, Row};
use serde_json::{Map, Value};

/// One line of the log, before it is written.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// How important it is.
    pub level: Level,
    /// For people: `GET /api/health`.
    pub message: String,
    /// For programs.
    pub data: Map<String, Value>,
    created: Timestamp,
}

/// How important a line is; the numbers are PocketBase's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// Went well.
    Info = 0,
    /// Went wrong.
    Error = 8,
}

impl LogEntry {
    /// A line about what happened just now.
    pub fn new(level: Level, message: String, data: Map<String, Value>) -> Self {
        LogEntry { level, message, data, created: Timestamp::now() }
    }

    /// When it was made.
    pub(super) fn created(&self) -> Timestamp {
        self.created
    }

    pub(super) fn into_row(self) -> Row {
        Row::new(&LOGS)
            .with("id", record_id::new())
            .with("level", i64::from(self.level as i32))
            .with("message", self.message)
            .with("data", Value::Object(self.data).to_string())
            .with("created", self.created.to_string())
    }
}

/// A line as the API shows it.
pub(super) fn document(row: &Row) -> Map<String, Value> {
    let data = row.json("data").and_then(|json| serde_json::from_str(json).ok());
    let members = [
        ("id", Value::from(row.id())),
        ("created", row.text("created").into()),
        ("data", data.unwrap_or_else(|| Value::Object(Map::new()))),
        ("message", row.text("message").into()),
        ("level", row.integer("level").into()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
