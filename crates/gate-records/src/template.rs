//! Templates: text with expressions in it, the values of injected headers.

use crate::secrets::ResolvedSecrets;
use crate::{EnvironmentError, EnvironmentPolicy};
use gate_snapshot::{HeaderValue, TEMPLATE_PARTS_MAX, TemplatePart};
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

/// Where the values come from that are put in when a snapshot is built.
#[derive(Clone, Copy, Debug)]
pub struct TemplateSources<'a> {
    /// For `{env.NAME}`.
    pub environment: &'a EnvironmentPolicy,
    /// For `{secret.NAME}`.
    pub secrets: &'a ResolvedSecrets,
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
    /// More parts than are put together without an allocation.
    #[error("must not have more than {TEMPLATE_PARTS_MAX} parts")]
    TooManyParts,
    /// `@request.auth.password` or `@request.auth.tokenKey`: nobody reads these (contract D-19).
    #[error("must not contain @request.auth.{name}, which is never sent anywhere")]
    Hidden {
        /// The field.
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
        if parts.len() > TEMPLATE_PARTS_MAX {
            Err(TemplateError::TooManyParts)
        } else {
            Ok(Template { parts })
        }
    }

    /// The expressions, in order.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expression(expression) => Some(expression),
            Part::Literal(_) => None,
        })
    }

    /// The value of a header, with everything in its place but the caller's own fields.
    ///
    /// # Errors
    /// The first expression without a value.
    pub fn compile(&self, sources: TemplateSources<'_>) -> Result<HeaderValue, Unresolved> {
        let mut compiled = Vec::new();
        let mut literal = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => literal.push_str(text),
                Part::Expression(Expression::Auth(field)) => {
                    compiled.extend(non_empty_bytes(&mut literal));
                    compiled.push(TemplatePart::Auth(field.as_str().into()));
                }
                Part::Expression(expression) => literal.push_str(&expression.value(sources)?),
            }
        }
        if compiled.is_empty() {
            return Ok(HeaderValue::Resolved(literal.into_bytes().into()));
        }
        compiled.extend(non_empty_bytes(&mut literal));
        Ok(HeaderValue::Template(compiled.into()))
    }

    /// Whether a secret is put in.
    pub(crate) fn names_secret(&self) -> bool {
        self.expressions().any(|expression| matches!(expression, Expression::Secret(_)))
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

    /// Whether it has a value, as far as that can be known before somebody calls.
    ///
    /// # Errors
    /// Why it has none.
    pub(crate) fn value(&self, sources: TemplateSources<'_>) -> Result<String, Unresolved> {
        let value = match self {
            Expression::Auth(_) => Ok(String::new()),
            Expression::Environment(name) => {
                sources.environment.value(name).map_err(|error: EnvironmentError| error.to_string())
            }
            Expression::Secret(name) => {
                let value = sources.secrets.value(name).map_err(|error| error.to_string());
                value.map(|value| value.expose().to_owned())
            }
        };
        value.map_err(|reason| Unresolved { expression: self.to_string(), reason })
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
    if opening == AUTH && matches!(name, "password" | "tokenKey") {
        return Err(TemplateError::Hidden { name: name.to_owned() });
    }
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

fn non_empty_bytes(literal: &mut String) -> Option<TemplatePart> {
    let bytes = std::mem::take(literal).into_bytes();
    if bytes.is_empty() { None } else { Some(TemplatePart::Literal(bytes.into())) }
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

    fn compile(text: &str) -> Result<HeaderValue, Unresolved> {
        let secrets = ResolvedSecrets::of([("KEY", "sk-2"), ("TRICK", "{env.KEY}@request.auth.id")]);
        let sources = TemplateSources { environment: &environment(), secrets: &secrets };
        Template::parse(text).unwrap().compile(sources)
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let Ok(HeaderValue::Resolved(value)) = compile(text) else { panic!("{text} is not resolved") };
        assert_eq!(String::from_utf8_lossy(&value), expected, "{text}");
    }

    #[track_caller]
    fn unresolved(text: &str, expected: &str) {
        assert_eq!(compile(text).unwrap_err().expression, expected, "{text}");
    }

    /// The parts, with the caller's fields in brackets.
    fn parts(text: &str) -> Vec<String> {
        let Ok(HeaderValue::Template(parts)) = compile(text) else { panic!("{text} names no caller") };
        let show = |part: &TemplatePart| match part {
            TemplatePart::Literal(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            TemplatePart::Auth(field) => format!("[{field}]"),
        };
        parts.iter().map(show).collect()
    }

    #[test]
    fn r005_fr_006_secrets_are_put_in() {
        check("Bearer {secret.KEY}", "Bearer sk-2");
        check("{secret.KEY}{env.KEY}", "sk-2sk-1");
    }

    #[test]
    fn r005_fr_007_fields_of_the_caller_are_left_for_the_request() {
        assert_eq!(parts("@request.auth.id"), ["[id]"]);
        assert_eq!(parts("u-@request.auth.id/{secret.KEY}"), ["u-", "[id]", "/sk-2"]);
    }

    #[test]
    fn h11_a_value_that_looks_like_a_template_stays_what_it_is() {
        check("{secret.TRICK}", "{env.KEY}@request.auth.id");
    }

    #[test]
    fn d19_the_password_and_the_token_key_are_never_sent() {
        for name in ["password", "tokenKey"] {
            let error = Template::parse(&format!("@request.auth.{name}")).unwrap_err();
            assert_eq!(error, TemplateError::Hidden { name: name.to_owned() });
        }
    }

    #[test]
    fn a_template_has_a_bounded_number_of_parts() {
        assert!(Template::parse(&"a{env.A}".repeat(TEMPLATE_PARTS_MAX / 2)).is_ok());
        assert_eq!(
            Template::parse(&"{env.A}".repeat(TEMPLATE_PARTS_MAX + 1)),
            Err(TemplateError::TooManyParts)
        );
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
        unresolved("@request.auth.id {secret.MISSING}", "secret.MISSING");
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
