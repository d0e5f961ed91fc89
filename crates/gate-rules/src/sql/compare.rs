//! Comparisons in SQL.

use super::dialect::Dialect;
use super::fragment::Fragment;
use super::typed_sql::{SqlOperand, TypedSql};
use crate::like::{PATTERN_BYTES_MAX, Pattern};
use crate::number;
use crate::operator::Relation;
use crate::value::{Operated, Role, Scalar};
use std::borrow::Cow;

/// Whether two values compare as asked. What SQL calls NULL counts as false.
pub(super) fn compares(
    left: &SqlOperand<'_>,
    relation: Relation,
    right: &SqlOperand<'_>,
    dialect: Dialect,
) -> Fragment {
    if left.has_nul() || right.has_nul() {
        return Fragment::constant(relation == Relation::NotEqual);
    }
    if let Relation::Like | Relation::NotLike = relation {
        return like(left, relation, right, dialect);
    }
    let nothing = both_nothing(left, right);
    let (left, right) = (left.beside(right), right.beside(left));
    match relation {
        Relation::Equal => equal(&left, &right, nothing),
        Relation::NotEqual => Fragment::compose("(?) IS NOT TRUE", [&equal(&left, &right, nothing)]),
        Relation::Less => ordered(&left, "<", &right),
        Relation::LessOrEqual => ordered(&left, "<=", &right),
        Relation::Greater => ordered(&right, "<", &left),
        Relation::GreaterOrEqual => ordered(&right, "<=", &left),
        Relation::Like | Relation::NotLike => Fragment::constant(false),
    }
}

/// Whether both are null or empty, beside JSON null; `None` if they cannot be.
fn both_nothing(left: &SqlOperand<'_>, right: &SqlOperand<'_>) -> Option<Fragment> {
    let is_strict = left.role() == Role::Json || right.role() == Role::Json;
    let parts = [left, right].map(|side| match side {
        SqlOperand::Known(known) => {
            let is_nothing = known.scalar.is_null() || (!is_strict && known.scalar.is_empty());
            is_nothing.then(|| Fragment::constant(true))
        }
        SqlOperand::Computed(typed) => Some(if is_strict { typed.is_null() } else { typed.is_empty() }),
    });
    match parts {
        [Some(left), Some(right)] => Some(Fragment::compose("(? AND ?)", [&left, &right])),
        _ => None,
    }
}

impl SqlOperand<'_> {
    fn role(&self) -> Role {
        match self {
            SqlOperand::Known(known) => known.role,
            SqlOperand::Computed(typed) => typed.role,
        }
    }

    fn has_nul(&self) -> bool {
        matches!(self, SqlOperand::Known(Operated { scalar: Scalar::Text(text), .. }) if text.contains('\0'))
    }

    /// As an expression beside `other`: a column converts a plain value to its own kind.
    fn beside(&self, other: &SqlOperand<'_>) -> TypedSql {
        match (self, other) {
            (SqlOperand::Computed(expression), _) => expression.clone(),
            (SqlOperand::Known(operated), SqlOperand::Computed(column))
                if operated.role == Role::Plain && column.role == Role::Column =>
            {
                TypedSql::known(&converted(operated, column))
            }
            (SqlOperand::Known(operated), _) => TypedSql::known(operated),
        }
    }

    /// As it reads.
    fn rendered(&self) -> Option<Fragment> {
        match self {
            SqlOperand::Known(operated) => TypedSql::known(operated).rendered,
            SqlOperand::Computed(expression) => expression.rendered.clone(),
        }
    }
}

/// A plain value as a column of one kind takes it.
fn converted<'a>(operated: &'a Operated<'a>, column: &TypedSql) -> Operated<'a> {
    let scalar = match &operated.scalar {
        Scalar::Text(text) if column.text.is_none() => {
            number::parse(text).map(|value| Scalar::number(value, false))
        }
        Scalar::Number { .. } if column.number.is_none() => {
            operated.scalar.as_text().map(|text| Scalar::Text(Cow::Owned(text.as_str().to_owned())))
        }
        _ => None,
    };
    Operated { scalar: scalar.unwrap_or_else(|| operated.scalar.clone()), role: operated.role }
}

/// Equal values, or none on both sides. One that is known to be there leaves the database a plain `=`, for which it has
/// indexes.
fn equal(left: &TypedSql, right: &TypedSql, nothing: Option<Fragment>) -> Fragment {
    let mut parts: Vec<_> = nothing.into_iter().collect();
    if let (Some(left), Some(right)) = (&left.number, &right.number) {
        parts.push(Fragment::compose("? = ?", [left, right]));
    }
    if let (Some(left), Some(right)) = (&left.text, &right.text) {
        parts.push(Fragment::compose("? = ?", [left, right]));
    }
    Fragment::join(&parts, " OR ", false)
}

/// `<` or `<=`. Every number is less than every text.
fn ordered(left: &TypedSql, operator: &str, right: &TypedSql) -> Fragment {
    let template = format!("? {operator} ?");
    let mut parts = Vec::new();
    if let (Some(left), Some(right)) = (&left.number, &right.number) {
        parts.push(Fragment::compose(&template, [left, right]));
    }
    if let (Some(left), Some(right)) = (&left.text, &right.text) {
        parts.push(Fragment::compose(&template, [left, right]));
    }
    if let (Some(left), Some(right)) = (&left.number, &right.text) {
        parts.push(Fragment::compose("(? IS NOT NULL AND ? IS NOT NULL)", [left, right]));
    }
    Fragment::join(&parts, " OR ", false)
}

fn like(left: &SqlOperand<'_>, relation: Relation, right: &SqlOperand<'_>, dialect: Dialect) -> Fragment {
    let (Some(text), Some(right_text)) = (left.rendered(), right.rendered()) else {
        return Fragment::constant(false);
    };
    let is_like = relation == Relation::Like;
    let never = if is_like { Fragment::constant(false) } else { Fragment::compose("? IS NOT NULL", [&text]) };
    let matches = |pattern: &Fragment| {
        let matches = dialect.like(&text, pattern);
        if is_like { matches } else { Fragment::compose("NOT (?)", [&matches]) }
    };
    match right {
        SqlOperand::Known(operated) => match Pattern::of(operated).and_then(|pattern| pattern.to_sql()) {
            Some(pattern) => matches(&Fragment::text(&pattern)),
            None => never,
        },
        SqlOperand::Computed(_) => {
            let pattern = Fragment::compose("('%' || ? || '%')", [&right_text]);
            let template = format!("CASE WHEN ? > {PATTERN_BYTES_MAX} THEN ? ELSE ? END");
            Fragment::compose(&template, [&dialect.bytes(&right_text), &never, &matches(&pattern)])
        }
    }
}
