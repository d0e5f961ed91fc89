//! The path of a proxy.

use crate::FieldError;
use std::borrow::Cow;

/// Characters, after normalisation (contract §3.1).
const LENGTH_MIN: usize = 2;
const LENGTH_MAX: usize = 500;

/// Brings a path into the one form in which it is stored and matched: `//` is one `/`, no `/` at the end.
///
/// # Errors
/// A path that no request can have, or one that belongs to the control plane (contract D-21, H32, H39).
pub(super) fn normalise(typed: &str) -> Result<String, FieldError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(FieldError::required());
    }
    if is_reserved(typed) {
        return Err(reserved(typed));
    }
    if !typed.starts_with('/') {
        return Err(FieldError::format("must start with /"));
    }
    if let Some(character) = typed.chars().find(|&character| !may_stand_in_a_path(character)) {
        return Err(FieldError::format(format!("must not contain {character:?}")));
    }
    let mut path = String::with_capacity(typed.len());
    for segment in typed.split('/').filter(|segment| !segment.is_empty()) {
        if matches!(segment, "." | "..") {
            return Err(FieldError::format("must not contain . or .. segments"));
        }
        path.push('/');
        path.push_str(segment);
    }
    match path.len() {
        length if length < LENGTH_MIN => Err(FieldError::text_min(LENGTH_MIN)),
        length if length > LENGTH_MAX => Err(FieldError::text_max(LENGTH_MAX)),
        _ => Ok(path),
    }
}

/// The form in which a path is stored, of one that may be stored.
pub fn normalise_path(typed: &str) -> Option<String> {
    normalise(typed).ok()
}

/// What a request's path is made of (RFC 3986 §3.3) without percent-encoding: encoded characters reach the
/// matching as they were sent, so a path that needs them would be matched in one of its spellings only.
fn may_stand_in_a_path(character: char) -> bool {
    let Ok(byte) = u8::try_from(character) else { return false };
    byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte)
}

fn reserved(typed: &str) -> FieldError {
    let rest: String = typed.chars().filter(|&c| may_stand_in_a_path(c) && c != '/').take(40).collect();
    let hint =
        format!("/api, /_ and /_gateway belong to the gateway itself; take another path, such as /-/{rest}");
    FieldError::new("validation_reserved_path", hint)
}

/// Whether any reader, however lenient, could take a path for a reserved one (`/api`, `/_`, `/_gateway`): any case, any number of percent-encodings, back-slashes, empty and dot segments.
fn is_reserved(path: &str) -> bool {
    let mut decoded = Cow::Borrowed(path.as_bytes());
    // Each round makes it shorter, so this ends.
    while let Some(once_more) = percent_decoded(&decoded) {
        decoded = Cow::Owned(once_more);
    }
    let (mut first, mut depth): (&[u8], usize) = (b"", 0);
    for segment in decoded.split(|byte| matches!(byte, b'/' | b'\\')) {
        match segment {
            b"" | b"." => {}
            b".." => depth = depth.saturating_sub(1),
            segment => {
                first = if depth == 0 { segment } else { first };
                depth += 1;
            }
        }
    }
    let reserved: [&[u8]; 3] = [b"api", b"_", b"_gateway"];
    depth > 0 && reserved.iter().any(|name| first.eq_ignore_ascii_case(name))
}

/// The bytes with their percent-encodings decoded once; `None` when there were none.
fn percent_decoded(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.contains(&b'%') {
        return None;
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                decoded.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => decoded.push(*first),
        }
    }
    (decoded.len() < bytes.len()).then_some(decoded)
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, stored: &str) {
        assert_eq!(normalise(typed).as_deref(), Ok(stored), "{typed}");
        assert_eq!(normalise(stored).as_deref(), Ok(stored), "{stored} is stable");
    }

    #[track_caller]
    fn refused(typed: &str, code: &str) {
        assert_eq!(normalise(typed).unwrap_err().code, code, "{typed}");
    }

    #[test]
    fn r005_us4_ac3_ordinary_paths_are_taken() {
        check("/-/gpt4", "/-/gpt4");
        check("/v1/chat/completions", "/v1/chat/completions");
        check("/a", "/a");
        check("/apis", "/apis");
        check("/x/api", "/x/api");
        check("/__", "/__");
        check("/-/a.b~c!$&'()*+,;=:@", "/-/a.b~c!$&'()*+,;=:@");
        check("/API-v2", "/API-v2");
    }

    #[test]
    fn paths_are_brought_into_one_form() {
        check(" /-/a ", "/-/a");
        check("/-/a/", "/-/a");
        check("//-//a//", "/-/a");
    }

    #[test]
    fn r005_us4_ac1_reserved_paths_are_refused_with_a_hint() {
        let error = normalise("/api/users").unwrap_err();
        assert_eq!(error.code, "validation_reserved_path");
        assert_eq!(
            error.message,
            "/api, /_ and /_gateway belong to the gateway itself; take another path, such as /-/apiusers."
        );
        for path in ["/api", "/api/", "/api/users", "/_", "/_/", "/_/admin"] {
            refused(path, "validation_reserved_path");
        }
    }

    #[test]
    fn r005_us4_ac2_reserved_paths_are_refused_in_every_spelling() {
        for path in [
            "/API/",
            "/Api",
            "/%61pi/",
            "/%41PI",
            "/%5f/admin",
            "/%5F",
            "//api",
            "/./api",
            "/x/../api",
            "/../api",
            "\\api",
            "/\\api",
            "/%2561pi",
            "/%252561pi",
            "/%2fapi",
            "/x/%2e%2e/api",
            "/x%2f..%2fapi",
            "/%5capi",
            "api/users",
            "/api%2fx",
            "/.%2f_",
        ] {
            refused(path, "validation_reserved_path");
        }
    }

    #[test]
    fn paths_no_request_can_have_are_refused() {
        refused("", "validation_required");
        refused("  ", "validation_required");
        refused("/", "validation_min_text_constraint");
        refused("//", "validation_min_text_constraint");
        refused(&format!("/{}", "a".repeat(500)), "validation_max_text_constraint");
        for path in [
            "-/a",
            "/a?b",
            "/a#b",
            "/a%20b",
            "/a b",
            "/a\nb",
            "/a\0",
            "/é",
            "/a/../b",
            "/a/.",
            "/./a",
            "/a\\b",
            "/{id}",
            "/\"",
            "/a|b",
            "/\u{fffd}/",
        ] {
            refused(path, "validation_invalid_format");
        }
    }
}
