//! Templates: text with expressions in it, the values of injected headers.

use crate::{EnvironmentError, EnvironmentPolicy};
use std::fmt;

/// A text with expressions in it (contract §3.3): `Bearer {env.KEY}`.
///
/// Taken apart once, in one pass; values are put in later and never looked at again (contract D-24), so nothing
/// that a value contains is ever taken for an expression.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Expression(Expression),
}

/// What stands in a template for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// `@request.auth.FIELD`: a field of the caller's record.
    Auth(String),
    /// `{env.NAME}`: an environment variable.
    Environment(String),
    /// `{secret.NAME}`: a stored secret.
    Secret(String),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// What follows the opening is not a name: a letter or `_`, then letters, digits and `_`.
    #[error("{opening} must be followed by a name of letters, digits and _")]
    Name {
        /// `{env.`, `{secret.` or `@request.auth.`.
        opening: &'static str,
    },
    /// No closing brace after the name.
    #[error("{opening}{name} must be closed with }}")]
    Unclosed {
        /// `{env.` or `{secret.`.
        opening: &'static str,
        /// The name after it.
        name: String,
    },
}

/// The first expression of a template without a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The expression, such as `env.OPENAI_KEY`.
    pub expression: String,
    /// Why it has no value.
    pub reason: String,
}

const AUTH: &str = "@request.auth.";
const ENVIRONMENT: &str = "{env.";
const SECRET: &str = "{secret.";

impl Template {
    /// Takes a text apart. Braces and `@` that open no expression are text like any other.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(opening) = rest.find(['{', '@']) {
            let (before, candidate) = rest.split_at(opening);
            literal.push_str(before);
            if let Some((expression, after)) = expression(candidate)? {
                parts.extend(non_empty(&mut literal));
                parts.push(Part::Expression(expression));
                rest = after;
            } else {
                let (brace, after) = candidate.split_at(1);
                literal.push_str(brace);
                rest = after;
            }
        }
        literal.push_str(rest);
        parts.extend(non_empty(&mut literal));
        Ok(Template { parts })
    }

    /// The expressions, in order.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expression(expression) => Some(expression),
            Part::Literal(_) => None,
        })
    }

    /// The text with every value in its place.
    pub fn resolve(&self, environment: &EnvironmentPolicy) -> Result<String, Unresolved> {
        self.parts.iter().map(|part| part.resolve(environment)).collect()
    }

    /// The template for people's eyes: expressions as they are, everything else hidden (it may be a key), but for
    /// the name of an authentication scheme at the beginning.
    pub fn masked(&self) -> String {
        self.parts.iter().map(Part::masked).collect()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.masked()).finish()
    }
}

impl Part {
    fn resolve(&self, environment: &EnvironmentPolicy) -> Result<String, Unresolved> {
        match self {
            Part::Literal(text) => Ok(text.clone()),
            Part::Expression(expression) => expression
                .resolve(environment)
                .map_err(|reason| Unresolved { expression: expression.to_string(), reason }),
        }
    }

    fn masked(&self) -> String {
        const SCHEMES: [&str; 4] = ["Basic ", "Bearer ", "Key ", "Token "];
        match self {
            Part::Expression(expression) => expression.typed(),
            Part::Literal(text) => match SCHEMES.iter().find(|scheme| text.starts_with(*scheme)) {
                Some(scheme) if scheme.len() == text.len() => text.clone(),
                Some(scheme) => format!("{scheme}***"),
                None => "***".to_owned(),
            },
        }
    }
}

impl Expression {
    /// As it stands in a template.
    pub(crate) fn typed(&self) -> String {
        match self {
            Expression::Auth(_) => self.to_string(),
            Expression::Environment(_) | Expression::Secret(_) => format!("{{{self}}}"),
        }
    }

    fn resolve(&self, environment: &EnvironmentPolicy) -> Result<String, String> {
        match self {
            Expression::Environment(name) => {
                environment.value(name).map_err(|error: EnvironmentError| error.to_string())
            }
            Expression::Auth(_) | Expression::Secret(_) => Err("is not supported yet".to_owned()),
        }
    }
}

/// `env.NAME`, `secret.NAME`, `@request.auth.field`: what the log calls it.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expression::Auth(field) => write!(f, "{AUTH}{field}"),
            Expression::Environment(name) => write!(f, "env.{name}"),
            Expression::Secret(name) => write!(f, "secret.{name}"),
        }
    }
}

/// The expression at the beginning of a text and what follows it, if one begins there.
fn expression(text: &str) -> Result<Option<(Expression, &str)>, TemplateError> {
    let (opening, make): (_, fn(String) -> Expression) = if text.starts_with(ENVIRONMENT) {
        (ENVIRONMENT, Expression::Environment)
    } else if text.starts_with(SECRET) {
        (SECRET, Expression::Secret)
    } else if text.starts_with(AUTH) {
        (AUTH, Expression::Auth)
    } else {
        return Ok(None);
    };
    let after_opening = text.get(opening.len()..).unwrap_or_default();
    let (name, after) = split_name(after_opening).ok_or(TemplateError::Name { opening })?;
    let after = if opening == AUTH { Some(after) } else { after.strip_prefix('}') };
    let after = after.ok_or_else(|| TemplateError::Unclosed { opening, name: name.to_owned() })?;
    Ok(Some((make(name.to_owned()), after)))
}

/// `[A-Za-z_][A-Za-z0-9_]*` at the beginning of a text, as long as it goes.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, after) = text.split_at(end);
    let starts_well = name.starts_with(|c: char| !c.is_ascii_digit());
    starts_well.then_some((name, after))
}

fn non_empty(literal: &mut String) -> Option<Part> {
    if literal.is_empty() { None } else { Some(Part::Literal(std::mem::take(literal))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> EnvironmentPolicy {
        EnvironmentPolicy::with_reader([], |name| match name {
            "KEY" => Some("sk-1".to_owned()),
            "TRICK" => Some("{env.KEY}@request.auth.id".to_owned()),
            "BREAK" => Some("a\nb".to_owned()),
            _ => None,
        })
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Template::parse(text).unwrap().resolve(&environment()).as_deref(), Ok(expected), "{text}");
    }

    #[track_caller]
    fn unresolved(text: &str, expected: &str) {
        let found = Template::parse(text).unwrap().resolve(&environment()).unwrap_err();
        assert_eq!(found.expression, expected, "{text}");
    }

    #[test]
    fn r005_fr_005_environment_variables_are_put_in() {
        check("", "");
        check("plain text", "plain text");
        check("Bearer {env.KEY}", "Bearer sk-1");
        check("{env.KEY}{env.KEY}", "sk-1sk-1");
        check("{{env.KEY}}", "{sk-1}");
    }

    #[test]
    fn what_opens_no_expression_is_text() {
        for text in [
            r#"{"a":1}"#,
            "a@b.c",
            "{ env.KEY }",
            "{ENV.KEY}",
            "{environment}",
            "@request.headers.x",
            "{",
            "@",
            "é{@",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn values_are_never_looked_at_again() {
        check("{env.TRICK}", "{env.KEY}@request.auth.id");
    }

    #[test]
    fn r005_us3_ac4_an_expression_without_a_value_is_named() {
        unresolved("Bearer {env.MISSING}", "env.MISSING");
        unresolved("{env.KEY} {env.BREAK}", "env.BREAK");
        unresolved("{env.PB_MASTER_KEY}", "env.PB_MASTER_KEY");
        unresolved("{secret.KEY}", "secret.KEY");
        unresolved("x @request.auth.id", "@request.auth.id");
    }

    #[test]
    fn expressions_are_taken_apart() {
        let template = Template::parse("{env.A_1}@request.auth.name.{secret._b}").unwrap();
        let found: Vec<_> = template.expressions().map(ToString::to_string).collect();
        assert_eq!(found, ["env.A_1", "@request.auth.name", "secret._b"]);
    }

    #[test]
    fn broken_expressions_are_refused() {
        for (text, expected) in [
            ("{env.}", "{env. must be followed by a name of letters, digits and _"),
            ("{env.1A}", "{env. must be followed by a name of letters, digits and _"),
            ("{secret.A B}", "{secret.A must be closed with }"),
            ("x {env.A", "{env.A must be closed with }"),
            ("{env.A-B}", "{env.A must be closed with }"),
            ("@request.auth.", "@request.auth. must be followed by a name of letters, digits and _"),
        ] {
            assert_eq!(Template::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn masked_templates_show_expressions_and_schemes_only() {
        for (text, expected) in [
            ("sk-123", "***"),
            ("Bearer sk-123", "Bearer ***"),
            ("Bearer {env.KEY}", "Bearer {env.KEY}"),
            ("a{secret.X}b@request.auth.id", "***{secret.X}***@request.auth.id"),
            ("", ""),
        ] {
            assert_eq!(Template::parse(text).unwrap().masked(), expected);
        }
    }
}
