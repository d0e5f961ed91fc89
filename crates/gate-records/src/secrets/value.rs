//! The value of a secret in the clear.

use std::fmt;
use zeroize::Zeroizing;

/// The value of a secret in the clear: masked by `Debug`, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Zeroizing<String>);

impl SecretValue {
    /// Takes a value in.
    pub fn new(value: impl Into<String>) -> Self {
        SecretValue(Zeroizing::new(value.into()))
    }

    /// The value itself. Whoever calls this sees to it that it goes no further than it must.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What may be shown of it: the first six characters of a longer one (contract D-23).
    pub fn masked(&self) -> String {
        match self.0.char_indices().nth(SHOWN_CHARACTERS) {
            Some((end, _)) => format!("{}***", self.0.get(..end).unwrap_or_default()),
            None => "***".to_owned(),
        }
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(***)")
    }
}

/// Enough to tell `sk-pro…` from `sk-ant…`, and far from enough to guess the rest.
const SHOWN_CHARACTERS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let value = SecretValue::new(value);
        assert_eq!(value.masked(), expected);
        assert_eq!(format!("{value:?}"), "SecretValue(***)");
    }

    #[test]
    fn d23_six_characters_of_a_longer_value_are_shown() {
        check("sk-proj-abcdef", "sk-pro***");
        check("1234567", "123456***");
        check("123456", "***");
        check("", "***");
        check("ééééééé", "éééééé***");
        check("🔑🔑🔑🔑🔑🔑🔑", "🔑🔑🔑🔑🔑🔑***");
    }
}
