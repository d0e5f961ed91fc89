//! Which environment variables templates may read.

use std::env;
use std::fmt;

/// Never given to a template, whatever the operator allows: our own settings and the key of the secrets (contract
/// D-7, D-24).
const FORBIDDEN: &[&str] = &["POCKETGATE_*", "PB_MASTER_KEY"];

/// Not given unless the operator names them: the settings of a PocketBase that runs in the same environment.
const NOT_BY_DEFAULT: &[&str] = &["PB_*"];

/// Says which environment variables `{env.NAME}` may read, and reads them.
pub struct EnvironmentPolicy {
    /// Patterns of `--env-allow`; none = every name that is not one of [`NOT_BY_DEFAULT`].
    allowed: Vec<String>,
    /// Reads a variable; a test has its own.
    read: Box<Read>,
}

type Read = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Why a variable has no value for a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// It is the gateway's own.
    #[error("is a setting of the gateway itself, which is never sent anywhere")]
    Forbidden,
    /// No pattern of `--env-allow` matches.
    #[error("is not allowed by --env-allow")]
    NotAllowed,
    /// Not set, empty, or not text.
    #[error("has no value in the environment")]
    Missing,
    /// A line break or another control character must never get into a header.
    #[error("holds a control character")]
    ControlCharacter,
}

impl EnvironmentPolicy {
    /// Allows the names that match a pattern, in which `*` stands for any characters; without patterns every name
    /// but `PB_*`. Names of the gateway's own settings are never allowed.
    pub fn new(patterns: impl IntoIterator<Item = String>) -> Self {
        Self::with_reader(patterns, |name| env::var(name).ok())
    }

    /// The same over variables that `read` knows.
    pub fn with_reader(
        patterns: impl IntoIterator<Item = String>,
        read: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        EnvironmentPolicy { allowed: patterns.into_iter().collect(), read: Box::new(read) }
    }

    /// The value a template gets for a variable. An empty one counts as missing (contract §3.3).
    pub fn value(&self, name: &str) -> Result<String, EnvironmentError> {
        self.permit(name)?;
        let value = (self.read)(name).filter(|value| !value.is_empty()).ok_or(EnvironmentError::Missing)?;
        if value.chars().any(|character| character.is_control() && character != '\t') {
            return Err(EnvironmentError::ControlCharacter);
        }
        Ok(value)
    }

    fn permit(&self, name: &str) -> Result<(), EnvironmentError> {
        // Upper case, because some systems find a variable in any case.
        let upper_case = name.to_ascii_uppercase();
        let is_one_of = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, &upper_case));
        let allowed = match self.allowed.as_slice() {
            [] => !is_one_of(NOT_BY_DEFAULT),
            patterns => patterns.iter().any(|pattern| matches(pattern, name)),
        };
        if is_one_of(FORBIDDEN) {
            Err(EnvironmentError::Forbidden)
        } else if allowed {
            Ok(())
        } else {
            Err(EnvironmentError::NotAllowed)
        }
    }
}

impl fmt::Debug for EnvironmentPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentPolicy").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

/// Whether a pattern, in which `*` stands for any characters, matches a whole name.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((beginning, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(beginning) else { return false };
    // The first place that fits each middle part leaves the most for what follows.
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let found = middle.split('*').try_fold(name, |name, part| name.split_once(part).map(|(_, after)| after));
    found.is_some_and(|name| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(patterns: &[&str]) -> EnvironmentPolicy {
        EnvironmentPolicy::with_reader(
            patterns.iter().map(|&pattern| pattern.to_owned()),
            |name| match name {
                "EMPTY" => Some(String::new()),
                "BROKEN" => Some("a\r\nX-Injected: b".to_owned()),
                "UNSET" => None,
                name => Some(format!("value of {name}")),
            },
        )
    }

    #[track_caller]
    fn check(patterns: &[&str], name: &str, expected: Result<(), EnvironmentError>) {
        assert_eq!(policy(patterns).value(name).map(drop), expected, "{name} with {patterns:?}");
    }

    #[test]
    fn without_patterns_every_name_is_allowed_but_pocketbases() {
        check(&[], "OPENAI_KEY", Ok(()));
        check(&[], "PATH", Ok(()));
        check(&[], "PB_ENCRYPTION_KEY", Err(EnvironmentError::NotAllowed));
        check(&["PB_TOKEN"], "PB_TOKEN", Ok(()));
    }

    #[test]
    fn with_patterns_only_what_matches_one_is_allowed() {
        check(&["OPENAI_*", "KEY"], "OPENAI_KEY", Ok(()));
        check(&["OPENAI_*", "KEY"], "KEY", Ok(()));
        check(&["OPENAI_*", "KEY"], "KEY_2", Err(EnvironmentError::NotAllowed));
        check(&["OPENAI_*"], "openai_key", Err(EnvironmentError::NotAllowed));
        check(&["*"], "ANYTHING", Ok(()));
    }

    #[test]
    fn the_gateways_own_settings_are_never_given() {
        for name in ["POCKETGATE_DIR", "PB_MASTER_KEY", "pb_master_key", "Pocketgate_Master_Key"] {
            check(&["*"], name, Err(EnvironmentError::Forbidden));
            check(&[name], name, Err(EnvironmentError::Forbidden));
            check(&[], name, Err(EnvironmentError::Forbidden));
        }
    }

    #[test]
    fn values_that_cannot_be_sent_are_none() {
        check(&[], "UNSET", Err(EnvironmentError::Missing));
        check(&[], "EMPTY", Err(EnvironmentError::Missing));
        check(&[], "BROKEN", Err(EnvironmentError::ControlCharacter));
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("A*", "A", true),
            ("*", "", true),
            ("*_KEY", "OPENAI_KEY", true),
            ("*_KEY", "_KEY_", false),
            ("A*B*C", "AxBxBxC", true),
            ("A*B*C", "ABC", true),
            ("A*B*C", "AC", false),
            ("A*A", "A", false),
            ("**", "x", true),
            ("A", "AB", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
