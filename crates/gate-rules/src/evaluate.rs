//! A rule's answer in memory.

use crate::compare::compares;
use crate::operand::{Field, Operand, Source};
use crate::operator::Relation;
use crate::parser::{Comparison, Node};
use crate::value::{Operated, Role, Scalar};
use crate::{Context, FieldKind, Value, geo, json, number};
use std::borrow::Cow;

impl Node {
    /// Depth of recursion: at most [`NESTING_MAX`](crate::NESTING_MAX) groups.
    pub(crate) fn evaluate(&self, context: &dyn Context) -> bool {
        match self {
            Node::All(nodes) => nodes.iter().all(|node| node.evaluate(context)),
            Node::Any(nodes) => nodes.iter().any(|node| node.evaluate(context)),
            Node::Comparison(comparison) => comparison.evaluate(context),
        }
    }
}

impl Comparison {
    pub(crate) fn evaluate(&self, context: &dyn Context) -> bool {
        let (left, right) = (&self.left.operand, &self.right.operand);
        if !left.is_many() && !right.is_many() {
            return compares(&left.value(context), self.operator.relation, &right.value(context));
        }
        let (left, right) = (left.values(context), right.values(context));
        let mut pairs = left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
        let mut holds = |(left, right)| compares(left, self.operator.relation, right);
        if self.operator.any {
            return pairs.any(holds);
        }
        !left.is_empty() && !right.is_empty() && pairs.all(&mut holds)
    }
}

impl Operand {
    /// Whether it stands for any number of values.
    pub(crate) fn is_many(&self) -> bool {
        matches!(self, Operand::Each(_))
    }

    /// Its one value.
    pub(crate) fn value<'a>(&'a self, context: &'a dyn Context) -> Operated<'a> {
        let plain = |scalar| Operated { scalar, role: Role::Plain };
        match self {
            Operand::Null | Operand::Each(_) => plain(Scalar::Null),
            Operand::Bool(flag) => plain((*flag).into()),
            Operand::Number(value) => plain(Scalar::number(*value, false)),
            Operand::Text(text) => plain(Scalar::Text(Cow::Borrowed(text))),
            Operand::Macro(name) => plain(name.value(context.now())),
            Operand::Source(source) => source.value(context),
            Operand::Lower(source) => source.lower(context),
            Operand::Length(source) => {
                Operated { scalar: source.length(context), role: source.modified_role() }
            }
            Operand::IsSet(source) => plain(source.read(context).is_some().into()),
            Operand::Changed { body, field } => {
                Operated { scalar: changed(body, field, context).into(), role: Role::Computed }
            }
            Operand::GeoDistance(arguments) => {
                let scalar = distance(arguments, context);
                Operated { scalar, role: Role::Computed }
            }
        }
    }

    /// All its values.
    pub(crate) fn values<'a>(&'a self, context: &'a dyn Context) -> Vec<Operated<'a>> {
        let Operand::Each(source) = self else { return vec![self.value(context)] };
        let elements = source.read(context).unwrap_or(Value::Null).elements();
        elements.into_iter().map(|scalar| Operated { scalar, role: Role::Computed }).collect()
    }
}

impl Source {
    /// What the context has; `None` if it was not sent.
    pub(crate) fn read<'a>(&'a self, context: &'a dyn Context) -> Option<Value<'a>> {
        match self {
            Source::Method => Some(context.method().into()),
            Source::Context => Some(context.context().into()),
            Source::Auth(name) => Some(context.auth(name)),
            Source::Header(key) => context.header(key).map(Value::Text),
            Source::Query(key) => context.query(key).map(Value::Text),
            Source::Body(path) => context.body(path),
            Source::Field(field) => Some(context.field(&field.name)),
        }
    }

    pub(crate) fn value<'a>(&'a self, context: &'a dyn Context) -> Operated<'a> {
        let value = self.read(context).unwrap_or(Value::Null);
        match self {
            Source::Auth(name) if !is_bound(name) => value.into_column(),
            Source::Field(field) => field.value(value),
            _ => Operated { scalar: value.into_plain(), role: Role::Plain },
        }
    }

    fn lower<'a>(&'a self, context: &'a dyn Context) -> Operated<'a> {
        let Operated { scalar, role } = self.value(context);
        let scalar = match scalar {
            Scalar::Text(text) if !text.bytes().any(|byte| byte.is_ascii_uppercase()) => Scalar::Text(text),
            other => other
                .as_text()
                .map_or(Scalar::Null, |text| Scalar::Text(Cow::Owned(text.as_str().to_ascii_lowercase()))),
        };
        let role = if role == Role::Json { role } else { self.modified_role() };
        Operated { scalar, role }
    }

    /// How many values; null where there is nothing at all.
    fn length<'a>(&'a self, context: &'a dyn Context) -> Scalar<'a> {
        let value = self.read(context).unwrap_or(Value::Null);
        if value == Value::Null {
            return Scalar::Null;
        }
        let count = u32::try_from(value.elements().len()).unwrap_or(u32::MAX);
        Scalar::number(f64::from(count), true)
    }

    /// A value of the request stays one under a modifier; a column does not.
    pub(crate) fn modified_role(&self) -> Role {
        match self {
            Source::Field(_) => Role::Computed,
            Source::Auth(name) if !is_bound(name) => Role::Computed,
            _ => Role::Plain,
        }
    }
}

impl Field {
    fn value<'a>(&self, value: Value<'a>) -> Operated<'a> {
        match (self.kind, value) {
            (FieldKind::Json, Value::Json(text)) => {
                Operated { scalar: json::scalar(&text, &self.path), role: Role::Json }
            }
            (FieldKind::Json, other) if self.path.is_empty() => {
                Operated { scalar: other.into_plain(), role: Role::Json }
            }
            (FieldKind::Json, _) => Operated { scalar: Scalar::Null, role: Role::Json },
            (FieldKind::Multiple, other) => Operated { scalar: other.into_plain(), role: Role::Computed },
            (_, other) => other.into_column(),
        }
    }
}

/// What PocketBase binds as a value; every other field of an auth record is a column (contract §2.2).
fn is_bound(name: &str) -> bool {
    matches!(name, "id" | "collectionId" | "collectionName" | "email" | "emailVisibility" | "verified")
}

fn changed(body: &Source, field: &Source, context: &dyn Context) -> bool {
    body.read(context).is_some() && compares(&body.value(context), Relation::NotEqual, &field.value(context))
}

/// Null if one of the arguments is no number.
fn distance<'a>(arguments: &'a [Operand; 4], context: &'a dyn Context) -> Scalar<'a> {
    let degrees = arguments.each_ref().map(|argument| match argument.value(context).scalar {
        Scalar::Null => None,
        Scalar::Number { value, .. } => Some(value),
        Scalar::Text(text) => number::parse(&text),
    });
    match degrees {
        [Some(lon_a), Some(lat_a), Some(lon_b), Some(lat_b)] => {
            Scalar::number(geo::distance(lon_a, lat_a, lon_b, lat_b), false)
        }
        _ => Scalar::Null,
    }
}
