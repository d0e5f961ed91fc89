//! The token in a request.

use gate_http::{FieldName, RequestHead};

/// The token of `Authorization: TOKEN` or `Authorization: Bearer TOKEN` (contract §1.1), if it can be one of ours.
pub fn token<'a>(head: &RequestHead, bytes: &'a [u8]) -> Option<&'a str> {
    let value = str::from_utf8(head.field(FieldName::Authorization)?.value.of(bytes)).ok()?;
    let token = match value.split_at_checked("Bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer ") => token.trim_ascii(),
        _ => value,
    };
    is_token_of_ours(token).then_some(token)
}

/// The look of a signed JSON Web Token: a header that begins with `{"`, and three parts (RFC 7515 §7.1).
fn is_token_of_ours(token: &str) -> bool {
    token.len() <= TOKEN_BYTES_MAX
        && token.starts_with("eyJ")
        && memchr::memchr_iter(b'.', token.as_bytes()).count() == 2
}

/// A token of ours has 250 bytes; nothing longer is asked about.
const TOKEN_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parsed;

    #[track_caller]
    fn check(authorization: &str, expected: Option<&str>) {
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\n\r\n");
        let head = parsed(bytes.as_bytes());
        assert_eq!(token(&head, bytes.as_bytes()), expected, "{authorization}");
    }

    #[test]
    fn a_token_comes_bare_or_as_bearer() {
        check("eyJhb.c.d", Some("eyJhb.c.d"));
        check("Bearer eyJhb.c.d", Some("eyJhb.c.d"));
        check("bEARER  eyJhb.c.d", Some("eyJhb.c.d"));
    }

    #[test]
    fn what_cannot_be_a_token_of_ours_is_not_asked_about() {
        for other in ["", "Bearer", "Bearer sk-1", "Basic YTpi", "eyJhb.c", "eyJhb.c.d.e", "abc.d.e", "é.b.c"]
        {
            check(other, None);
        }
        check(&format!("eyJ{}.b.c", "x".repeat(TOKEN_BYTES_MAX)), None);
    }
}
