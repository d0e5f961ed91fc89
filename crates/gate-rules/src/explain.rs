//! Why a rule holds or not, comparison by comparison.

use crate::parser::{Comparison, Node, Side};
use crate::{Context, Value, json};
use std::borrow::Cow;

/// Why a rule holds or not.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What [`Rule::evaluate`](crate::Rule::evaluate) says.
    pub holds: bool,
    /// Every comparison in the order of the text, also those the answer did not depend on.
    pub comparisons: Vec<Compared>,
}

/// What became of one comparison.
#[derive(Clone, Debug)]
pub struct Compared {
    /// As it was typed.
    pub text: String,
    /// What stood on its left.
    pub left: Observed,
    /// What stood on its right.
    pub right: Observed,
    /// Whether it holds.
    pub holds: bool,
}

/// An operand and its value. Whoever shows it masks what must not be seen.
#[derive(Clone, Debug)]
pub struct Observed {
    /// As it was typed.
    pub text: String,
    /// What it stood for; an array for `:each`.
    pub value: Value<'static>,
}

pub(crate) fn explain(text: &str, node: &Node, context: &dyn Context) -> Explanation {
    let mut comparisons = Vec::new();
    node.visit(&mut |comparison| comparisons.push(compared(text, comparison, context)));
    Explanation { holds: node.evaluate(context), comparisons }
}

impl Node {
    /// Shows every comparison in the order of the text.
    pub(crate) fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a Comparison)) {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| node.visit(visitor)),
            Node::Comparison(comparison) => visitor(comparison),
        }
    }
}

fn compared(text: &str, comparison: &Comparison, context: &dyn Context) -> Compared {
    let span = comparison.left.span.start..comparison.right.span.end;
    Compared {
        text: text.get(span).unwrap_or_default().to_owned(),
        left: observed(text, &comparison.left, context),
        right: observed(text, &comparison.right, context),
        holds: comparison.evaluate(context),
    }
}

fn observed(text: &str, side: &Side, context: &dyn Context) -> Observed {
    let value = if side.operand.is_many() {
        let values: Vec<_> =
            side.operand.values(context).into_iter().map(|operated| operated.scalar).collect();
        Value::Json(Cow::Owned(json::array(&values)))
    } else {
        side.operand.value(context).scalar.into_value()
    };
    Observed { text: text.get(side.span.clone()).unwrap_or_default().to_owned(), value }
}
