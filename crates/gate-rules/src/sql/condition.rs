//! A rule as a condition of SQL.

use super::compare::compares;
use super::dialect::Dialect;
use super::fragment::{Fragment, Parameter};
use super::typed_sql::{SqlOperand, TypedSql};
use crate::operator::Operator;
use crate::parser::{Comparison, Node};
use crate::{Context, Rule};

/// What stands behind `WHERE`: true for the records the rule holds for, false or NULL for all others.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// With a [`PLACEHOLDER`](crate::PLACEHOLDER) for each parameter. Of the rule, it has the names of fields and operators.
    pub sql: String,
    /// The values for the placeholders, in their order.
    pub parameters: Vec<Parameter>,
}

impl Rule {
    /// The rule as a condition on the records of a table, whose columns are called like the fields of the scope. What the
    /// rule asks about the request is answered by `context`, which is not asked about fields.
    pub fn to_sql(&self, dialect: Dialect, context: &dyn Context) -> Condition {
        let Fragment { sql, parameters } = node(self.node(), dialect, context);
        Condition { sql, parameters }
    }
}

fn node(node: &Node, dialect: Dialect, context: &dyn Context) -> Fragment {
    let parts =
        |nodes: &[Node]| -> Vec<_> { nodes.iter().map(|node| self::node(node, dialect, context)).collect() };
    match node {
        Node::All(nodes) => Fragment::join(&parts(nodes), " AND ", true),
        Node::Any(nodes) => Fragment::join(&parts(nodes), " OR ", false),
        Node::Comparison(comparison) => self::comparison(comparison, dialect, context),
    }
}

fn comparison(comparison: &Comparison, dialect: Dialect, context: &dyn Context) -> Fragment {
    let (left, right) = (&comparison.left.operand, &comparison.right.operand);
    if !left.reads_record() && !right.reads_record() {
        return Fragment::constant(comparison.evaluate(context));
    }
    let left = left.sql_operand(dialect, context, "each_left");
    let right = right.sql_operand(dialect, context, "each_right");
    let Operator { relation, any } = comparison.operator;
    let condition = compares(&left, relation, &right, dialect);
    let rows = [&left, &right].into_iter().filter_map(SqlOperand::rows).cloned();
    let Some(rows) = rows.reduce(|left, right| Fragment::compose("? CROSS JOIN ?", [&left, &right])) else {
        return Fragment::compose("(?)", [&condition]);
    };
    let some = Fragment::compose("EXISTS (SELECT 1 FROM ? WHERE ?)", [&rows, &condition]);
    if any {
        return some;
    }
    // Of an exact opposite, the database has to find nothing; that there is something is asked first.
    Fragment::compose(
        "(EXISTS (SELECT 1 FROM ?) AND NOT EXISTS (SELECT 1 FROM ? WHERE (?) IS NOT TRUE))",
        [&rows, &rows, &condition],
    )
}

impl SqlOperand<'_> {
    fn rows(&self) -> Option<&Fragment> {
        match self {
            SqlOperand::Known(_) => None,
            SqlOperand::Computed(TypedSql { rows, .. }) => rows.as_ref(),
        }
    }
}
