//! Pieces of SQL and the values for their placeholders.

use std::fmt;

/// Where a parameter stands in the SQL, in the order of the parameters. Whoever runs it writes `?1` or `$1` instead.
pub const PLACEHOLDER: char = '\u{1}';

/// A value that is bound, never written into SQL.
#[derive(Clone, PartialEq)]
pub enum Parameter {
    /// A double.
    Number(f64),
    /// Text without NUL.
    Text(String),
}

/// Shows which kind it is and nothing else: it may be anyone's.
impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number(_) => "Number(…)",
            Self::Text(_) => "Text(…)",
        })
    }
}

/// A piece of SQL.
#[derive(Clone, Debug)]
pub(super) struct Fragment {
    pub(super) sql: String,
    pub(super) parameters: Vec<Parameter>,
}

impl Fragment {
    pub(super) fn new(sql: impl Into<String>) -> Self {
        Fragment { sql: sql.into(), parameters: Vec::new() }
    }

    /// TRUE or FALSE.
    pub(super) fn constant(flag: bool) -> Self {
        Fragment::new(if flag { "TRUE" } else { "FALSE" })
    }

    pub(super) fn parameter(parameter: Parameter) -> Self {
        Fragment { sql: PLACEHOLDER.to_string(), parameters: vec![parameter] }
    }

    pub(super) fn text(text: &str) -> Self {
        Fragment::parameter(Parameter::Text(text.to_owned()))
    }

    /// `template` with the parts in the places of its question marks.
    pub(super) fn compose<const N: usize>(template: &str, parts: [&Fragment; N]) -> Self {
        let mut pieces = template.split('?');
        let mut composed = Fragment::new(pieces.next().unwrap_or_default());
        for (part, piece) in parts.into_iter().zip(pieces) {
            composed.append(part);
            composed.sql.push_str(piece);
        }
        composed
    }

    /// The parts with a word between them, in parentheses; `none` if there are none.
    pub(super) fn join(parts: &[Fragment], word: &str, none: bool) -> Self {
        if parts.is_empty() {
            return Fragment::constant(none);
        }
        let mut joined = Fragment::new("(");
        for (position, part) in parts.iter().enumerate() {
            if position > 0 {
                joined.sql.push_str(word);
            }
            joined.append(part);
        }
        joined.sql.push(')');
        joined
    }

    fn append(&mut self, part: &Fragment) {
        self.sql.push_str(&part.sql);
        self.parameters.extend_from_slice(&part.parameters);
    }
}
