//! What an import changes, line by line.

use super::masked;
use gate_records::{Entry, Outcome, ProxyRecord};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// Lines around a change that show where it is.
const CONTEXT: usize = 1;

/// One proxy's part of the diff; header values are hidden.
pub(super) fn show(entry: &Entry) -> String {
    let (sign, word) = match entry.outcome {
        Outcome::Added => ("+", "added"),
        Outcome::Changed => ("~", "changed"),
        Outcome::Unchanged => ("=", "unchanged"),
        Outcome::Removed => ("-", "removed"),
    };
    let heading = format!("{sign} {} ({word})\n", entry.path);
    if entry.outcome == Outcome::Unchanged { heading } else { heading + &lines(entry) }
}

fn lines(entry: &Entry) -> String {
    let none = Value::Null;
    let headers_before = entry.before.as_ref().map_or(&none, |record| &record.headers);
    let before = entry.before.as_ref().map(|record| yaml(record, masked::headers(&record.headers)));
    let after = entry
        .after
        .as_ref()
        .map(|record| yaml(record, masked::headers_after(&record.headers, headers_before)));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let diff = TextDiff::from_lines(&before, &after);
    let groups = diff.grouped_ops(CONTEXT);
    let changes = groups.iter().flatten().flat_map(|operation| diff.iter_changes(operation));
    let lines: Vec<String> =
        changes.map(|change| format!("    {} {}", sign(change.tag()), change.value())).collect();
    lines.concat()
}

fn yaml(record: &ProxyRecord, headers: Value) -> String {
    let shown = ProxyRecord { headers, ..record.clone() };
    serde_yaml_ng::to_string(&shown).unwrap_or_default()
}

fn sign(tag: ChangeTag) -> char {
    match tag {
        ChangeTag::Delete => '-',
        ChangeTag::Equal => ' ',
        ChangeTag::Insert => '+',
    }
}
