//! What stands on a side of a comparison, with its names resolved.

use crate::FieldKind;
use crate::calendar::Macro;

/// What stands on a side of a comparison.
#[derive(Debug)]
pub(crate) enum Operand {
    Null,
    Bool(bool),
    Number(f64),
    Text(Box<str>),
    Macro(Macro),
    Source(Source),
    /// `:lower`: as text, ASCII capitals in lower case.
    Lower(Source),
    /// `:length`: how many values.
    Length(Source),
    /// `:each`: every value for itself.
    Each(Source),
    /// `:isset`: whether it was sent.
    IsSet(Source),
    /// `:changed`: whether the body has the field with another value than the record.
    Changed {
        body: Source,
        field: Source,
    },
    /// `geoDistance(lonA, latA, lonB, latB)` in kilometres.
    GeoDistance(Box<[Operand; 4]>),
}

/// Where a value comes from.
#[derive(Debug)]
pub(crate) enum Source {
    Method,
    Context,
    Auth(Box<str>),
    Header(Box<str>),
    Query(Box<str>),
    Body(Box<str>),
    Field(Field),
}

/// A field of the record.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Box<str>,
    pub(crate) kind: FieldKind,
    /// Leads into a JSON value: names of members or, all digits, places in an array.
    pub(crate) path: Box<[Box<str>]>,
}

impl Operand {
    /// The sources it reads.
    pub(crate) fn sources(&self) -> Vec<&Source> {
        match self {
            Operand::Null | Operand::Bool(_) | Operand::Number(_) | Operand::Text(_) | Operand::Macro(_) => {
                vec![]
            }
            Operand::Source(source)
            | Operand::Lower(source)
            | Operand::Length(source)
            | Operand::Each(source)
            | Operand::IsSet(source) => vec![source],
            Operand::Changed { body, field } => vec![body, field],
            Operand::GeoDistance(arguments) => arguments.iter().flat_map(Operand::sources).collect(),
        }
    }
}

impl Source {
    /// Of a field of the auth record, its name.
    pub(crate) fn auth_field(&self) -> Option<&str> {
        match self {
            Source::Auth(name) => Some(name),
            _ => None,
        }
    }
}
