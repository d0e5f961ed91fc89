//! What names mean (contract §2.2).

use crate::calendar::Macro;
use crate::operand::{Field, Operand, Source};
use crate::scope::is_hidden;
use crate::{FieldKind, Scope};

/// What an identifier means in `scope`, or what is wrong with it.
pub(crate) fn identifier(name: &str, scope: &Scope<'_>) -> Result<Operand, String> {
    let (path, modifier) = match name.split_once(':') {
        Some((path, modifier)) => (path, Some(modifier)),
        None => (name, None),
    };
    if let Some(operand) = word(path, modifier.is_some(), scope) {
        return operand;
    }
    let source = source(path, scope)?;
    match modifier {
        None => Ok(Operand::Source(source)),
        Some(modifier) => modified(source, modifier, path, scope),
    }
}

/// What a call of a function means.
pub(crate) fn function(name: &str, arguments: Vec<Operand>) -> Result<Operand, String> {
    if name != "geoDistance" {
        return Err(format!("unknown function \"{name}\""));
    }
    let arguments: Box<[Operand; 4]> = Box::from(
        <[Operand; 4]>::try_from(arguments)
            .map_err(|found| format!("geoDistance takes 4 arguments, found {}", found.len()))?,
    );
    let is_allowed = |operand: &Operand| {
        matches!(operand, Operand::Number(_) | Operand::Source(_))
            && !operand.sources().iter().any(|source| matches!(source, Source::Field(_)))
    };
    if !arguments.iter().all(is_allowed) {
        // No collection here has coordinates, and SQLite as it is built here has no trigonometry.
        return Err("geoDistance takes numbers and @request values".to_owned());
    }
    Ok(Operand::GeoDistance(arguments))
}

/// A macro, or a literal that is written like a name.
fn word(path: &str, is_modified: bool, scope: &Scope<'_>) -> Option<Result<Operand, String>> {
    if path.starts_with('@') && !path.contains('.') {
        return Some(match Macro::parse(path) {
            Some(_) if is_modified => Err(format!("the macro {path} takes no modifier")),
            found => found.map(Operand::Macro).ok_or_else(|| format!("unknown macro \"{path}\"")),
        });
    }
    if is_modified || scope.field(path).is_some() {
        return None;
    }
    let literal = [("null", Operand::Null), ("true", Operand::Bool(true)), ("false", Operand::Bool(false))];
    literal.into_iter().find(|(name, _)| path.eq_ignore_ascii_case(name)).map(|(_, operand)| Ok(operand))
}

fn source(path: &str, scope: &Scope<'_>) -> Result<Source, String> {
    if let Some(request) = path.strip_prefix("@request.") {
        return request_source(request, path, scope);
    }
    if path.starts_with("@collection.") {
        return Err("@collection is not supported".to_owned());
    }
    plain_field(path, scope).map(Source::Field)
}

fn request_source(request: &str, path: &str, scope: &Scope<'_>) -> Result<Source, String> {
    match request.split_once('.') {
        None if request == "method" => Ok(Source::Method),
        None if request == "context" => Ok(Source::Context),
        Some(("auth", key)) if is_hidden(key) => Err(format!("\"{path}\" cannot be read")),
        Some(("auth", key)) => single(key, path).map(Source::Auth),
        Some(("headers", key)) => single(key, path).map(Source::Header),
        Some(("query", key)) => single(key, path).map(Source::Query),
        Some(("body", key)) if scope.has_body() => Ok(Source::Body(key.into())),
        Some(("body", _)) => Err("@request.body cannot be used here".to_owned()),
        _ => Err(format!("unknown name \"{path}\"")),
    }
}

/// Auth records, headers and queries have plain keys; a path below one would follow a relation.
fn single(key: &str, path: &str) -> Result<Box<str>, String> {
    if key.contains('.') {
        return Err(format!("\"{path}\" goes deeper than one name, which is not supported"));
    }
    Ok(key.into())
}

fn plain_field(path: &str, scope: &Scope<'_>) -> Result<Field, String> {
    let mut segments = path.split('.');
    let name = segments.next().unwrap_or_default();
    let kind = scope.field(name).ok_or_else(|| format!("unknown field \"{name}\""))?;
    let path: Box<[Box<str>]> = segments.map(Box::from).collect();
    if !path.is_empty() && kind != FieldKind::Json {
        return Err(format!("nothing lies below the field \"{name}\""));
    }
    Ok(Field { name: name.into(), kind, path })
}

fn modified(source: Source, modifier: &str, path: &str, scope: &Scope<'_>) -> Result<Operand, String> {
    let is_multiple = match &source {
        Source::Auth(_) | Source::Body(_) => true,
        Source::Field(field) => field.kind == FieldKind::Multiple,
        _ => false,
    };
    let is_sent = matches!(source, Source::Body(_) | Source::Header(_) | Source::Query(_));
    match (modifier, source) {
        ("lower", source) => Ok(Operand::Lower(source)),
        ("each", source) if is_multiple => Ok(Operand::Each(source)),
        ("length", source) if is_multiple => Ok(Operand::Length(source)),
        ("isset", source) if is_sent => Ok(Operand::IsSet(source)),
        ("changed", Source::Body(key)) => {
            let field = Source::Field(plain_field(&key, scope)?);
            Ok(Operand::Changed { body: Source::Body(key), field })
        }
        ("each" | "length" | "isset" | "changed", _) => {
            Err(format!("the modifier :{modifier} cannot be used with \"{path}\""))
        }
        _ => Err(format!("unknown modifier \":{modifier}\"")),
    }
}
