//! What settings can be saved.

use super::model::{
    Backups, Batch, Mail, Meta, ObjectStorage, RateLimitRule, RateLimits, Settings, TrustedProxyHeaders,
};
use crate::collections::is_email;
use crate::{FieldError, FieldErrors};
use serde_json::{Map, Value};

/// The numbers below 0 in a document, where none may be. They become 0, because below it they are of no setting's type,
/// and what else is wrong can be said as well.
pub(super) fn raise_to_zero(document: &mut Map<String, Value>) -> FieldErrors {
    let mut errors = FieldErrors::default();
    for (section, fields) in NOT_BELOW_ZERO {
        let Some(Value::Object(members)) = document.get_mut(section) else { continue };
        let mut in_section = FieldErrors::default();
        for field in fields {
            let number = members.get_mut(*field);
            if let Some(number) = number.filter(|number| number.as_f64().is_some_and(|number| number < 0.0)) {
                in_section.add(field, FieldError::min_greater_equal_than(0));
                *number = 0.into();
            }
        }
        errors.nest(section, in_section);
    }
    errors
}

const NOT_BELOW_ZERO: [(&str, &[&str]); 2] =
    [("batch", &["maxRequests", "timeout", "maxBodySize"]), ("logs", &["maxDays"])];

impl Settings {
    /// What is wrong with them, nested as they are. What would be ignored in silence is an error instead.
    pub(super) fn check(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        errors.nest("meta", self.meta.check());
        errors.nest("batch", self.batch.check());
        errors.nest("backups", self.backups.check());
        errors.nest("smtp", self.smtp.check());
        errors.nest("s3", self.s3.check());
        errors.nest("rateLimits", self.rate_limits.check());
        errors.nest("trustedProxy", self.trusted_proxy.check());
        if !self.superuser_ips.is_empty() {
            errors.add("superuserIPs", unsupported("limiting where superusers come from"));
        }
        errors
    }
}

impl Meta {
    fn check(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        for (field, text) in [
            ("appName", &self.app_name),
            ("appURL", &self.app_url),
            ("senderName", &self.sender_name),
            ("senderAddress", &self.sender_address),
        ] {
            if text.trim().is_empty() {
                errors.add(field, FieldError::required());
            } else if text.chars().count() > NAME_CHARACTERS_MAX {
                errors.add(field, FieldError::length(1, NAME_CHARACTERS_MAX));
            }
        }
        if !self.app_url.starts_with("http://") && !self.app_url.starts_with("https://") {
            errors.add("appURL", FieldError::new("validation_is_url", "must be a valid URL"));
        }
        if !is_email(&self.sender_address) {
            errors.add("senderAddress", FieldError::email());
        }
        errors
    }
}

impl Batch {
    fn check(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        for (field, number) in [("maxRequests", self.max_requests), ("timeout", self.timeout)] {
            if self.enabled && number == 0 {
                errors.add(field, FieldError::required());
            }
        }
        errors
    }
}

impl Backups {
    fn check(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        if !self.cron.is_empty() {
            errors.add("cron", unsupported("making backups by itself"));
        }
        errors.nest("s3", self.s3.check());
        errors
    }
}

impl Mail {
    fn check(&self) -> FieldErrors {
        refuse_if(self.enabled, "enabled", "sending mail")
    }
}

impl ObjectStorage {
    fn check(&self) -> FieldErrors {
        refuse_if(self.enabled, "enabled", "object storage")
    }
}

impl RateLimits {
    fn check(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        if self.enabled && self.rules.is_empty() {
            errors.add("rules", FieldError::required());
        }
        let mut by_position = FieldErrors::default();
        for (position, rule) in self.rules.iter().enumerate() {
            let before = self.rules.iter().take(position);
            by_position.nest(&position.to_string(), rule.check(before));
        }
        errors.nest("rules", by_position);
        errors
    }
}

impl RateLimitRule {
    fn check<'a>(&self, mut before: impl Iterator<Item = &'a Self>) -> FieldErrors {
        let mut errors = FieldErrors::default();
        if self.label.is_empty() {
            errors.add("label", FieldError::required());
        } else if !is_label(&self.label) {
            errors.add("label", FieldError::new("validation_match_invalid", "must be in a valid format"));
        } else if before.any(|rule| rule.conflicts_with(self)) {
            errors.add("label", conflict(&self.label));
        }
        if !matches!(self.audience.as_str(), "" | "@guest" | "@auth") {
            errors.add("audience", FieldError::new("validation_in_invalid", "must be a valid value"));
        }
        for (field, number) in [("maxRequests", self.max_requests), ("duration", self.duration)] {
            if number == 0 {
                errors.add(field, FieldError::required());
            }
        }
        errors
    }

    fn conflicts_with(&self, other: &Self) -> bool {
        let is_for_all = self.audience.is_empty() || other.audience.is_empty();
        self.label == other.label && (is_for_all || self.audience == other.audience)
    }
}

impl TrustedProxyHeaders {
    fn check(&self) -> FieldErrors {
        refuse_if(!self.headers.is_empty(), "headers", "naming them here (start it with --trusted-proxy)")
    }
}

/// `/path`, `METHOD /path`, `collection:action`, `*:action` or a word.
fn is_label(label: &str) -> bool {
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let is_path = |text: &str| {
        text.strip_prefix('/').is_some_and(|rest| {
            rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'-'))
        })
    };
    if let Some((method, path)) = label.split_once(' ') {
        return is_word(method) && is_path(path);
    }
    match label.split_once(':') {
        Some((collection, action)) => (collection == "*" || is_word(collection)) && is_word(action),
        None => is_path(label) || is_word(label),
    }
}

/// Of two rules for the same, only the first would ever be asked.
fn conflict(label: &str) -> FieldError {
    let text = format!(
        "rate limit rule configuration with label {label} already exists or conflicts with another rule"
    );
    FieldError::new("validation_conflicting_rate_limit_rule", text).with("label", label)
}

/// PocketBase's limit for names.
const NAME_CHARACTERS_MAX: usize = 255;

fn refuse_if(asked_for: bool, field: &str, what: &str) -> FieldErrors {
    if asked_for { FieldErrors::of(field, unsupported(what)) } else { FieldErrors::default() }
}

fn unsupported(what: &str) -> FieldError {
    FieldError::new("validation_unsupported", format!("{what} is not supported by pocketgate"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(part: Value, field: &str, code: Option<&str>) {
        let settings: Settings = serde_json::from_value(part).unwrap();
        assert_eq!(settings.check().field(field).map(|error| error.code), code, "{field}");
    }

    #[test]
    fn the_defaults_can_be_saved() {
        assert!(Settings::default().check().is_empty());
    }

    #[test]
    fn names_and_limits_are_checked() {
        check(json!({"meta": {"appName": " "}}), "meta.appName", Some("validation_required"));
        check(
            json!({"meta": {"appName": "x".repeat(256)}}),
            "meta.appName",
            Some("validation_length_out_of_range"),
        );
        check(json!({"meta": {"senderName": ""}}), "meta.senderName", Some("validation_required"));
        check(json!({"meta": {"senderAddress": "a"}}), "meta.senderAddress", Some("validation_is_email"));
        check(json!({"meta": {"appURL": "gopher://x"}}), "meta.appURL", Some("validation_is_url"));
        check(
            json!({"batch": {"enabled": true, "timeout": 0}}),
            "batch.timeout",
            Some("validation_required"),
        );
        check(json!({"batch": {"enabled": false, "timeout": 0}}), "batch.timeout", None);
    }

    #[test]
    fn numbers_below_0_are_errors_and_become_0() {
        let mut document = json!({
            "batch": {"timeout": -1, "maxRequests": 5, "maxBodySize": "x"}, "logs": {"maxDays": -0.5, "minLevel": -4},
        });
        let errors = raise_to_zero(document.as_object_mut().unwrap());
        let fields: Vec<String> = errors.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["batch.timeout", "logs.maxDays"]);
        let expected = json!({
            "batch": {"timeout": 0, "maxRequests": 5, "maxBodySize": "x"}, "logs": {"maxDays": 0, "minLevel": -4},
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn rules_of_one_label_conflict_unless_they_are_for_others() {
        for (one, other, conflict) in [
            ("", "", true),
            ("", "@auth", true),
            ("@guest", "", true),
            ("@auth", "@auth", true),
            ("@auth", "@guest", false),
        ] {
            let rule =
                |audience| json!({"label": "/a", "audience": audience, "duration": 1, "maxRequests": 1});
            let rules = json!({"rateLimits": {"rules": [rule(one), rule(other)]}});
            let code = conflict.then_some("validation_conflicting_rate_limit_rule");
            check(rules, "rateLimits.rules.1.label", code);
        }
    }

    #[test]
    fn the_rules_of_rate_limits_are_checked() {
        let one = |rule: Value| json!({"rateLimits": {"enabled": true, "rules": [rule]}});
        check(
            json!({"rateLimits": {"enabled": true, "rules": []}}),
            "rateLimits.rules",
            Some("validation_required"),
        );
        check(
            one(json!({"label": "*:auth", "duration": 1, "maxRequests": 1})),
            "rateLimits.rules.0.label",
            None,
        );
        let incomplete = one(json!({"label": "api", "audience": "@all"}));
        check(incomplete.clone(), "rateLimits.rules.0.audience", Some("validation_in_invalid"));
        check(incomplete, "rateLimits.rules.0.duration", Some("validation_required"));
        for (label, is_one) in [
            ("/api/", true),
            ("POST /api/x-y", true),
            ("users:create", true),
            ("*:list", true),
            ("tag", true),
            ("api/x", false),
            ("a b", false),
            ("*", false),
            ("a:", false),
            ("/a?b", false),
        ] {
            assert_eq!(is_label(label), is_one, "{label}");
        }
    }

    #[test]
    fn what_is_not_supported_cannot_be_switched_on() {
        for (part, field) in [
            (json!({"smtp": {"enabled": true}}), "smtp.enabled"),
            (json!({"s3": {"enabled": true}}), "s3.enabled"),
            (json!({"backups": {"cron": "0 0 * * *"}}), "backups.cron"),
            (json!({"backups": {"s3": {"enabled": true}}}), "backups.s3.enabled"),
            (json!({"trustedProxy": {"headers": ["X-Real-IP"]}}), "trustedProxy.headers"),
            (json!({"superuserIPs": ["127.0.0.1"]}), "superuserIPs"),
        ] {
            check(part, field, Some("validation_unsupported"));
        }
    }
}
