//! Whether two values compare as asked: SQLite's semantics as PocketBase uses them (contract §2.3).

use crate::like::Pattern;
use crate::number;
use crate::operator::Relation;
use crate::value::{Operated, Role, Scalar};
use std::cmp::Ordering;

/// Whether two values compare as asked. Null compares as `false` wherever SQL says NULL.
pub(crate) fn compares(left: &Operated<'_>, relation: Relation, right: &Operated<'_>) -> bool {
    // No column of every database holds such a text, so it is no one's equal and neither more nor less.
    if has_nul(left) || has_nul(right) {
        return relation == Relation::NotEqual;
    }
    match relation {
        Relation::Equal => equal(left, right),
        Relation::NotEqual => !equal(left, right),
        Relation::Less => ordering(left, right).is_some_and(Ordering::is_lt),
        Relation::LessOrEqual => ordering(left, right).is_some_and(Ordering::is_le),
        Relation::Greater => ordering(left, right).is_some_and(Ordering::is_gt),
        Relation::GreaterOrEqual => ordering(left, right).is_some_and(Ordering::is_ge),
        Relation::Like => like(left, right) == Some(true),
        Relation::NotLike => like(left, right) == Some(false),
    }
}

fn has_nul(operated: &Operated<'_>) -> bool {
    matches!(&operated.scalar, Scalar::Text(text) if text.as_bytes().contains(&0))
}

/// Null and the empty text are one, except beside JSON.
fn equal(left: &Operated<'_>, right: &Operated<'_>) -> bool {
    let is_strict = left.role == Role::Json || right.role == Role::Json;
    match (left.scalar.is_null(), right.scalar.is_null()) {
        (true, true) => true,
        (true, false) => !is_strict && right.scalar.is_empty(),
        (false, true) => !is_strict && left.scalar.is_empty(),
        (false, false) => ordering(left, right).is_some_and(Ordering::is_eq),
    }
}

/// Every number is less than every text; `None` if one is null.
fn ordering(left: &Operated<'_>, right: &Operated<'_>) -> Option<Ordering> {
    match (&left.scalar, &right.scalar) {
        (Scalar::Null, _) | (_, Scalar::Null) => None,
        (Scalar::Number { value: left, .. }, Scalar::Number { value: right, .. }) => left.partial_cmp(right),
        (Scalar::Text(left), Scalar::Text(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Scalar::Number { value, .. }, Scalar::Text(text)) => mixed(*value, left, text, right),
        (Scalar::Text(text), Scalar::Number { value, .. }) => {
            mixed(*value, right, text, left).map(Ordering::reverse)
        }
    }
}

/// A number beside a text. A column converts a plain value to its own kind.
fn mixed(value: f64, number: &Operated<'_>, text: &str, text_side: &Operated<'_>) -> Option<Ordering> {
    match (number.role, text_side.role) {
        (Role::Column, Role::Plain) => {
            number::parse(text).map_or(Some(Ordering::Less), |converted| value.partial_cmp(&converted))
        }
        (Role::Plain, Role::Column) => {
            number.scalar.as_text().map(|converted| converted.as_str().as_bytes().cmp(text.as_bytes()))
        }
        _ => Some(Ordering::Less),
    }
}

/// `None` if one is null, or if it cannot be told in time.
fn like(left: &Operated<'_>, right: &Operated<'_>) -> Option<bool> {
    let left = left.scalar.as_text()?;
    Pattern::of(right)?.matches(left.as_str())
}
