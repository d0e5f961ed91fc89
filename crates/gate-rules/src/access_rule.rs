//! Who may pass a proxy.

use crate::{Context, FieldKind, Rule, RuleError, Scope};

/// Characters of an access rule (contract §2.4).
pub const ACCESS_RULE_CHARS_MAX: usize = 2000;

/// Who may pass a proxy (contract §2.4). Its empty text is the opposite of a collection's empty rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessRule {
    /// Empty: superusers only.
    Superusers,
    /// `true`: everyone.
    Public,
    /// `false`: nobody, superusers included.
    Nobody,
    /// Superusers, and whoever the rule holds for.
    Expression(Rule),
}

impl AccessRule {
    /// Reads the text of an access rule.
    ///
    /// # Errors
    /// Like [`Rule::compile`]; besides, the text may have [`ACCESS_RULE_CHARS_MAX`] characters, and nothing in it can ask
    /// for the body of the request, which would have to be held back until the rule is decided.
    pub fn compile(text: &str) -> Result<Self, RuleError> {
        if let Some((position, _)) = text.char_indices().nth(ACCESS_RULE_CHARS_MAX) {
            let problem = format!("the rule is longer than {ACCESS_RULE_CHARS_MAX} characters");
            return Err(RuleError::at(text, position, problem));
        }
        match text.trim() {
            "" => Ok(Self::Superusers),
            "true" => Ok(Self::Public),
            "false" => Ok(Self::Nobody),
            _ => Rule::compile(text, &SCOPE).map(Self::Expression),
        }
    }

    /// Whether a caller may pass.
    pub fn allows(&self, is_superuser: bool, context: &dyn Context) -> bool {
        match self {
            Self::Superusers => is_superuser,
            Self::Public => true,
            Self::Nobody => false,
            Self::Expression(rule) => is_superuser || rule.evaluate(context),
        }
    }
}

/// What a rule can know of the proxy it guards (contract D-20).
const SCOPE: Scope<'_> = Scope::new(&[
    ("maxConcurrent", FieldKind::Number),
    ("path", FieldKind::Text),
    ("timeout", FieldKind::Number),
    ("upstream", FieldKind::Text),
])
.without_body();
