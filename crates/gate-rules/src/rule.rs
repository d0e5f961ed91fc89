//! A compiled rule.

use crate::explain::{self, Explanation};
use crate::operand::Source;
use crate::parser::{self, Node};
use crate::{Context, RuleError, Scope};
use std::fmt;
use std::sync::Arc;

/// Bytes of a filter (contract §1.2); PocketBase's own limit.
pub const FILTER_BYTES_MAX: usize = 3500;

/// A compiled rule. Cheap to clone.
#[derive(Clone)]
pub struct Rule {
    compiled: Arc<Compiled>,
}

struct Compiled {
    text: Box<str>,
    node: Node,
}

impl Rule {
    /// Reads a filter. An empty text is none: what it means is for the caller to know.
    ///
    /// # Errors
    /// The first thing in the text that is not understood, or a limit that is passed.
    pub fn compile(text: &str, scope: &Scope<'_>) -> Result<Self, RuleError> {
        if text.len() > FILTER_BYTES_MAX {
            let problem = format!("the text is longer than {FILTER_BYTES_MAX} bytes");
            return Err(RuleError::at(text, FILTER_BYTES_MAX, problem));
        }
        let node = parser::parse(text, scope)?;
        Ok(Rule { compiled: Arc::new(Compiled { text: text.into(), node }) })
    }

    /// Whether the rule holds. Allocates nothing for texts and numbers that the context lends.
    pub fn evaluate(&self, context: &dyn Context) -> bool {
        self.compiled.node.evaluate(context)
    }

    /// Whether the rule holds, and what became of every single comparison. For people, not for decisions.
    pub fn explain(&self, context: &dyn Context) -> Explanation {
        explain::explain(&self.compiled.text, &self.compiled.node, context)
    }

    /// The text it was compiled from.
    pub fn text(&self) -> &str {
        &self.compiled.text
    }

    /// Whether the answer can depend on who is asking.
    pub fn needs_auth(&self) -> bool {
        !self.auth_fields().is_empty()
    }

    /// The fields of the auth record it reads, each once.
    pub fn auth_fields(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.compiled.node.visit(&mut |comparison| {
            for operand in [&comparison.left.operand, &comparison.right.operand] {
                names.extend(operand.sources().into_iter().filter_map(Source::auth_field));
            }
        });
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(crate) fn node(&self) -> &Node {
        &self.compiled.node
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rule").field(&self.text()).finish()
    }
}

/// Two rules with the same text are the same rule, as long as both are of one scope.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Rule {}
