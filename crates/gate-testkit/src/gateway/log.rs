//! The log of the running gateway, one JSON object a line.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// One line of the log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// The line as it was written.
    pub text: String,
    json: Value,
}

impl LogLine {
    fn new(text: String) -> Self {
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { text, json }
    }

    /// A field as text, wherever the line keeps it; empty when it is not there.
    pub fn field(&self, name: &str) -> String {
        let value = self.json.get(name).or_else(|| self.json.get("fields")?.get(name));
        match value {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }
}

/// The lines so far, growing while the process lives.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<LogLine>>>);

impl Lines {
    /// Collects the lines of `stream` until it ends.
    pub(super) fn collect(stream: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let lines = Self::default();
        let collected = lines.clone();
        tokio::spawn(async move {
            let mut reader = BufReader::new(stream).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                collected.0.lock().expect("no holder panics").push(LogLine::new(line));
            }
        });
        lines
    }

    pub(super) fn snapshot(&self) -> Vec<LogLine> {
        self.0.lock().expect("no holder panics").clone()
    }
}
