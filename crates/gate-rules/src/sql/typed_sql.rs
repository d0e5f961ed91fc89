//! A value of SQL by its types.

use super::fragment::{Fragment, Parameter};
use crate::value::{Operated, Role, Scalar};

/// A value of SQL by its types: of `number` and `text` at most one is not null. `None` is always null.
#[derive(Clone, Debug)]
pub(super) struct TypedSql {
    pub(super) number: Option<Fragment>,
    pub(super) text: Option<Fragment>,
    /// The value as it reads, for `~`; null if it is null.
    pub(super) rendered: Option<Fragment>,
    pub(super) role: Role,
    /// Rows it takes its values from, of which there are any number.
    pub(super) rows: Option<Fragment>,
}

/// An operand: decided already, or for the database to find.
#[derive(Clone, Debug)]
pub(super) enum SqlOperand<'a> {
    Known(Operated<'a>),
    Computed(TypedSql),
}

impl TypedSql {
    /// A value that is known already.
    pub(super) fn known(operated: &Operated<'_>) -> Self {
        let text = |text: &str| Some(Fragment::text(text));
        let (number, text) = match &operated.scalar {
            Scalar::Null => (None, None),
            Scalar::Number { value, .. } => (Some(Fragment::parameter(Parameter::Number(*value))), None),
            Scalar::Text(value) => (None, text(value)),
        };
        let rendered = operated.scalar.as_text().map(|text| Fragment::text(text.as_str()));
        TypedSql { number, text, rendered, role: operated.role, rows: None }
    }

    /// Whether it is null.
    pub(super) fn is_null(&self) -> Fragment {
        let parts: Vec<_> = [&self.number, &self.text]
            .into_iter()
            .flatten()
            .map(|part| Fragment::compose("? IS NULL", [part]))
            .collect();
        Fragment::join(&parts, " AND ", true)
    }

    /// Whether it is null or an empty text.
    pub(super) fn is_empty(&self) -> Fragment {
        let number = self.number.as_ref().map(|number| Fragment::compose("? IS NULL", [number]));
        let text = self.text.as_ref().map(|text| Fragment::compose("COALESCE(?, '') = ''", [text]));
        let parts: Vec<_> = number.into_iter().chain(text).collect();
        Fragment::join(&parts, " AND ", true)
    }
}
