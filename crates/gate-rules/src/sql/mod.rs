//! Rules as conditions of SQL, with the answers of the evaluator.
//!
//! What does not read the record is decided here, and its answer stands in the SQL. What does is spelled out by type: a
//! value is a number, a text or null, and each of the three is an expression of its own, so that neither database's
//! own conversions, collations and orders matter.

mod compare;
mod condition;
mod dialect;
mod fragment;
mod operand;
mod sort;
mod typed_sql;

pub use condition::Condition;
pub use dialect::Dialect;
pub use fragment::{PLACEHOLDER, Parameter};
pub use sort::{SORT_KEY_CHARS_MAX, SORT_KEYS_MAX, SortKey, sort_keys};
