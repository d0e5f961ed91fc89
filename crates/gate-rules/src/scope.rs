//! Which names a rule may use.

/// The type of a field, as its column has it. Dates, e-mail addresses and URLs are text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text, compared byte by byte.
    Text,
    /// A number; takes texts that look like one for numbers.
    Number,
    /// A boolean: the number 1 or 0.
    Bool,
    /// Any JSON. Paths lead into it (`data.auth`); compared strictly, so that null is not the empty text.
    Json,
    /// A JSON array of a multiple select, file or relation. Its text without a modifier, else `:each` and `:length`.
    Multiple,
}

/// Which names a rule may use, beside literals, macros and `@request.*`.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    fields: &'a [(&'a str, FieldKind)],
    has_body: bool,
}

impl<'a> Scope<'a> {
    /// The fields of a record by name. Names are the names of columns, too, and reach SQL (quoted). What the caller may not
    /// see is left out by whoever builds the scope, but for the two names that resolve nowhere (contract D-19).
    pub const fn new(fields: &'a [(&'a str, FieldKind)]) -> Self {
        Scope { fields, has_body: true }
    }

    /// Refuses `@request.body`, for rules that are evaluated before a body is read (contract §2.4).
    #[must_use]
    pub const fn without_body(self) -> Self {
        Scope { has_body: false, ..self }
    }

    pub(crate) fn field(&self, name: &str) -> Option<FieldKind> {
        let found = self.fields.iter().find(|(field, _)| *field == name);
        found.filter(|_| !is_hidden(name)).map(|(_, kind)| *kind)
    }

    pub(crate) fn has_body(&self) -> bool {
        self.has_body
    }
}

/// The password's hash and what tokens are signed with: no rule reads them (contract D-19).
pub(crate) fn is_hidden(name: &str) -> bool {
    matches!(name, "password" | "tokenKey")
}
