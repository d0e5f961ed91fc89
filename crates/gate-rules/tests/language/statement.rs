//! The statements that ask for records.

use gate_rules::{Dialect, PLACEHOLDER, SortKey};
use std::fmt::Write;

/// Sort keys and the order they give; what is alike stays in the order of the rowid.
pub(crate) const ORDERS: [(&str, &str); 12] = [
    ("@rowid", "abcdefgh"),
    ("-@rowid", "hgfedcba"),
    ("t,@rowid", "cbhdegaf"),
    ("-t,@rowid", "fagedhbc"),
    ("+u, @rowid", "cbhdaegf"),
    ("u:lower,-@rowid", "cbhdegaf"),
    ("n,@rowid", "cebgadhf"),
    ("-b,@rowid", "adfhbegc"),
    ("b,-n", "cgbefhda"),
    ("j.n,@rowid", "bcdefhag"),
    ("-j.n,@rowid", "gabcdefh"),
    ("m:length,@rowid", "cbdeafgh"),
];

/// The statement that asks for the records of a condition.
pub(crate) fn select(condition: &str, placeholder: &str) -> String {
    let mut sql = "SELECT id FROM records WHERE ".to_owned();
    let mut pieces = condition.split(PLACEHOLDER);
    sql.push_str(pieces.next().unwrap_or_default());
    for (position, piece) in pieces.enumerate() {
        let _ = write!(sql, "{placeholder}{}{piece}", position + 1);
    }
    sql + " ORDER BY id"
}

/// The statement that asks for all records in an order.
pub(crate) fn select_in_order(keys: &[SortKey], dialect: Dialect) -> String {
    let keys: Vec<String> = keys.iter().map(|key| key.to_sql(dialect)).collect();
    format!("SELECT id FROM records ORDER BY {}", keys.join(", "))
}
