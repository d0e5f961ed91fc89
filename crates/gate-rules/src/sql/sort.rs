//! The order of a list.

use super::dialect::Dialect;
use super::typed_sql::TypedSql;
use crate::operand::{Field, Operand, Source};
use crate::{RuleError, Scope, resolve};

/// Keys of one order (contract §1.2).
pub const SORT_KEYS_MAX: usize = 8;

/// Characters of one key (contract §1.2).
pub const SORT_KEY_CHARS_MAX: usize = 255;

/// One of the things records are ordered by.
#[derive(Clone, Debug)]
pub struct SortKey {
    criterion: Criterion,
    is_descending: bool,
}

#[derive(Clone, Debug)]
enum Criterion {
    Random,
    RowId,
    Field(Field),
    Lower(Field),
    Length(Field),
}

/// Reads `-a,+b,c:lower,@random,@rowid`. An empty text has no keys.
///
/// # Errors
/// A name that is no field of the scope, or a limit that is passed; columns count in the whole text.
pub fn sort_keys(text: &str, scope: &Scope<'_>) -> Result<Vec<SortKey>, RuleError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut start = 0;
    let mut keys = Vec::new();
    for part in text.split(',') {
        if keys.len() == SORT_KEYS_MAX {
            return Err(RuleError::at(text, start, format!("there are more than {SORT_KEYS_MAX} sort keys")));
        }
        let key = sort_key(part.trim(), scope);
        keys.push(key.map_err(|problem| RuleError::at(text, start, problem))?);
        start += part.len() + 1;
    }
    Ok(keys)
}

impl SortKey {
    /// One or more expressions with their directions, for behind `ORDER BY`. Null comes first, then numbers, then texts by
    /// their bytes.
    pub fn to_sql(&self, dialect: Dialect) -> String {
        let direction = match (dialect, self.is_descending) {
            (Dialect::Sqlite, false) => "ASC",
            (Dialect::Sqlite, true) => "DESC",
            (Dialect::Postgres, false) => "ASC NULLS FIRST",
            (Dialect::Postgres, true) => "DESC NULLS LAST",
        };
        let keys = self.criterion.expressions(dialect);
        keys.iter().map(|key| format!("{key} {direction}")).collect::<Vec<_>>().join(", ")
    }
}

impl Criterion {
    fn expressions(&self, dialect: Dialect) -> Vec<String> {
        let expression = match self {
            Criterion::Random => return vec!["RANDOM()".to_owned()],
            Criterion::RowId => return vec![r#""rowid""#.to_owned()],
            Criterion::Field(field) => TypedSql::field(field, dialect),
            Criterion::Lower(field) => TypedSql::field(field, dialect).lower(dialect),
            Criterion::Length(field) => TypedSql::length(&field.name, dialect),
        };
        match (expression.number, expression.text) {
            (Some(number), Some(text)) => {
                vec![format!("({} IS NOT NULL)", text.sql), number.sql, text.sql]
            }
            (number, text) => number.into_iter().chain(text).map(|key| key.sql).collect(),
        }
    }
}

fn sort_key(text: &str, scope: &Scope<'_>) -> Result<SortKey, String> {
    if text.chars().nth(SORT_KEY_CHARS_MAX).is_some() {
        return Err(format!("a sort key is longer than {SORT_KEY_CHARS_MAX} characters"));
    }
    let is_descending = text.starts_with('-');
    let name = text.strip_prefix(['-', '+']).unwrap_or(text);
    let criterion = match name {
        "@random" => Criterion::Random,
        "@rowid" => Criterion::RowId,
        _ => criterion(name, scope)?,
    };
    Ok(SortKey { criterion, is_descending })
}

fn criterion(name: &str, scope: &Scope<'_>) -> Result<Criterion, String> {
    if !is_name(name) {
        return Err(format!("\"{name}\" is not a name"));
    }
    match resolve::identifier(name, scope)? {
        Operand::Source(Source::Field(field)) => Ok(Criterion::Field(field)),
        Operand::Lower(Source::Field(field)) => Ok(Criterion::Lower(field)),
        Operand::Length(Source::Field(field)) => Ok(Criterion::Length(field)),
        _ => Err(format!("nothing can be sorted by \"{name}\"")),
    }
}

/// What the lexer takes for one name.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    name.strip_prefix('@').unwrap_or(name).split(['.', ':']).all(is_part)
}
