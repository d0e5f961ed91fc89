//! The language of filters and rules (contract §2): who may do what, and which records a list shows.
//!
//! Owns the grammar, what names mean, and two ways to the same answer: in memory ([`Rule::evaluate`]) and as a condition
//! for a database ([`Rule::to_sql`]). Knows nothing about records, requests, HTTP or databases; what a rule asks about
//! comes through [`Context`] and [`Scope`]. Does no I/O, and never panics or recurses deeply, whatever the text.
//!
//! A rule that was compiled always has an answer. Where the answer is in doubt it is `false`.

mod access_rule;
mod calendar;
mod compare;
mod context;
mod error;
mod evaluate;
mod explain;
mod geo;
mod json;
mod lexer;
mod like;
mod number;
mod operand;
mod operator;
mod parser;
mod resolve;
mod rule;
mod scope;
mod sql;
mod value;

pub use access_rule::{ACCESS_RULE_CHARS_MAX, AccessRule};
pub use context::Context;
pub use error::RuleError;
pub use explain::{Compared, Explanation, Observed};
pub use parser::{COMPARISONS_MAX, NESTING_MAX};
pub use rule::{FILTER_BYTES_MAX, Rule};
pub use scope::{FieldKind, Scope};
pub use sql::{
    Condition, Dialect, PLACEHOLDER, Parameter, SORT_KEY_CHARS_MAX, SORT_KEYS_MAX, SortKey, sort_keys,
};
pub use value::Value;
