//! Why a text is not a rule.

/// Why a text is not a rule, and where. `Display` is one sentence for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (column {column})")]
pub struct RuleError {
    column: usize,
    problem: String,
}

impl RuleError {
    /// A problem at a byte of `text`.
    pub(crate) fn at(text: &str, byte: usize, problem: impl Into<String>) -> Self {
        let before = text.char_indices().take_while(|(start, _)| *start < byte).count();
        RuleError { column: before + 1, problem: problem.into() }
    }

    /// Where the problem begins: characters from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong or was expected there, without the column.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}
