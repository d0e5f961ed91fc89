//! Who may see metrics besides superusers.

use crate::caller::{Caller, token};
use crate::error::ApiError;
use http::HeaderMap;
use std::fmt;

/// Who may see metrics besides superusers, whose tokens last no longer than a day (H62).
#[derive(Clone, Default)]
pub struct MetricsAccess {
    /// Whoever sends this in `Authorization: Bearer TOKEN`.
    pub token: Option<Box<str>>,
    /// Everybody.
    pub is_public: bool,
}

impl MetricsAccess {
    /// Lets a caller pass, or says why not.
    pub(super) fn check(&self, caller: &Caller, headers: &HeaderMap) -> Result<(), ApiError> {
        let sent = token(headers).unwrap_or_default();
        let is_known = self.token.as_deref().is_some_and(|token| is_same(token, sent));
        if self.is_public || is_known { Ok(()) } else { caller.superuser().map(drop) }
    }
}

impl fmt::Debug for MetricsAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "***");
        f.debug_struct("MetricsAccess").field("token", &token).field("is_public", &self.is_public).finish()
    }
}

/// How long it takes says nothing about where the two differ.
fn is_same(token: &str, sent: &str) -> bool {
    let differences = token.bytes().zip(sent.bytes()).fold(0, |seen, (one, other)| seen | (one ^ other));
    differences == 0 && token.len() == sent.len() && !token.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_same_to_its_last_byte() {
        assert!(is_same("secret", "secret"));
        for other in ["", "secre", "secrets", "Secret", "secreT"] {
            assert!(!is_same("secret", other), "{other}");
        }
        assert!(!is_same("", ""));
    }

    #[test]
    fn a_token_is_not_shown() {
        let access = MetricsAccess { token: Some("canary".into()), is_public: false };
        assert_eq!(format!("{access:?}"), "MetricsAccess { token: Some(\"***\"), is_public: false }");
    }
}
