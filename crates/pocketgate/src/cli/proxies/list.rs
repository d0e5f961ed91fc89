//! `pocketgate proxies list`.

use super::{masked, records};
use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_records::ProxyRecord;
use gate_store::ProxyRow;
use serde_json::{Value, json};
use std::sync::Arc;

/// Show the proxies, with the values of headers hidden
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// Print all fields as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    directory: DataDirectory,
}

impl ListArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let store = records::open_existing(&self.directory).await?;
        let mut rows = store.proxies().await.map_err(Failure::other)?;
        store.close().await;
        rows.sort_by(|a, b| a.path.cmp(&b.path));
        stdout::print(if self.json { as_json(&rows) } else { as_table(&rows) })
    }
}

fn as_json(rows: &[Arc<ProxyRow>]) -> String {
    let list: Value = rows.iter().map(|row| row_as_json(row)).collect();
    format!("{list:#}\n")
}

fn row_as_json(row: &ProxyRow) -> Value {
    let mut shown = json!({"id": row.id, "path": row.path, "created": row.created, "updated": row.updated});
    let fields = match ProxyRecord::from_row(row) {
        Ok(mut record) => {
            record.headers = masked::headers(&record.headers);
            serde_json::to_value(record).unwrap_or_default()
        }
        Err(errors) => json!({ "errors": errors }),
    };
    if let (Value::Object(shown), Value::Object(fields)) = (&mut shown, fields) {
        shown.extend(fields);
    }
    shown
}

const HEAD: [&str; 6] = ["PATH", "UPSTREAM", "ACCESS", "ACTIVE", "ID", "HEADERS"];

fn as_table(rows: &[Arc<ProxyRow>]) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(|row| cells(row)));
    let mut widths = HEAD.map(str::len);
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    lines.iter().map(|line| aligned(line, &widths)).collect()
}

fn aligned(line: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
    format!("{}\n", cells.join("  ").trim_end())
}

fn cells(row: &ProxyRow) -> [String; 6] {
    let access = match row.access_rule.trim() {
        "" => "superusers",
        "true" => "everyone",
        "false" => "nobody",
        rule => rule,
    };
    let active = if row.active { "yes" } else { "no" };
    [&row.path, &row.upstream, access, active, &row.id, &headers(row)].map(printable)
}

fn headers(row: &ProxyRow) -> String {
    let Ok(record) = ProxyRecord::from_row(row) else { return "(not readable)".to_owned() };
    let Some(headers) = record.headers.as_object() else { return String::new() };
    let shown = headers.iter().map(|(name, value)| format!("{name}: {}", masked::value(value)));
    shown.collect::<Vec<_>>().join(", ")
}

/// Another program may have stored what a terminal would take for a command.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
