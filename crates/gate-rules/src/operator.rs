//! What a comparison asks.

/// How two operands are compared, and whether one match among many is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) relation: Relation,
    /// `?=` and its like: of an operand with many values any may match; otherwise all have to.
    pub(crate) any: bool,
}

/// How two values are compared (contract §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    NotLike,
}

impl Operator {
    /// The operator of a run of operator characters.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('?');
        let relation = match bare.unwrap_or(text) {
            "=" => Relation::Equal,
            "!=" => Relation::NotEqual,
            "<" => Relation::Less,
            "<=" => Relation::LessOrEqual,
            ">" => Relation::Greater,
            ">=" => Relation::GreaterOrEqual,
            "~" => Relation::Like,
            "!~" => Relation::NotLike,
            _ => return None,
        };
        Some(Operator { relation, any: bare.is_some() })
    }
}
