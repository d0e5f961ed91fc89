//! Values that must not be in a log: what would let its reader in somewhere (H28).

/// Query parameters whose values are masked in any case.
///
/// Compared without regard to case, `-` and `_`.
pub const SENSITIVE_PARAMETERS: [&str; 30] = [
    // Tokens and keys, as APIs take them in a query for want of a header.
    "access_token",
    "api_key",
    "api_token",
    "app_key",
    "auth",
    "auth_token",
    "authorization",
    "bearer",
    "jwt",
    "key",
    "private_key",
    "subscription_key",
    "token",
    "x_api_key",
    // OAuth 2 and OpenID Connect.
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "id_token",
    "refresh_token",
    // What people type.
    "otp",
    "passwd",
    "password",
    "pwd",
    "secret",
    // What makes a signed URL valid.
    "sig",
    "signature",
    "x_amz_signature",
    "x_goog_signature",
];

/// Appends a target with the values of `sensitive` parameters as `***`.
///
/// Names are compared after percent-decoding and without regard to case, `-` and `_`. A parameter begins after `&` or
/// `;`, for which some services take both; the value of a sensitive one goes on to the next `&`.
pub fn mask_target(target: &[u8], sensitive: &[Box<str>], out: &mut Vec<u8>) {
    let Some(query) = target.iter().position(|byte| *byte == b'?') else {
        return out.extend_from_slice(target);
    };
    let (path, mut rest) = target.split_at(query + 1);
    out.extend_from_slice(path);
    loop {
        let end = rest.iter().position(|byte| matches!(byte, b'&' | b';')).unwrap_or(rest.len());
        let (parameter, _) = rest.split_at(end);
        let name_length = parameter.iter().position(|byte| *byte == b'=');
        let masked = name_length.filter(|length| {
            parameter.get(..*length).is_some_and(|name| sensitive.iter().any(|word| is_same(name, word)))
        });
        let end = match masked {
            Some(name_length) => {
                out.extend_from_slice(parameter.get(..=name_length).unwrap_or_default());
                out.extend_from_slice(MASK);
                rest.iter().position(|byte| *byte == b'&').unwrap_or(rest.len())
            }
            None => {
                out.extend_from_slice(parameter);
                end
            }
        };
        let Some((separator, behind)) = rest.get(end..).and_then(<[u8]>::split_first) else { return };
        out.push(*separator);
        rest = behind;
    }
}

/// Whether a name in a query is that word.
fn is_same(name: &[u8], word: &str) -> bool {
    let significant = |byte: &u8| !matches!(byte, b'-' | b'_');
    let name = Decoded(name).filter(significant).map(|byte| byte.to_ascii_lowercase());
    name.eq(word.bytes().filter(significant).map(|byte| byte.to_ascii_lowercase()))
}

/// The bytes a name stands for.
struct Decoded<'a>(&'a [u8]);

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (byte, rest) = match self.0 {
            [b'%', high, low, rest @ ..] => match (hexadecimal(*high), hexadecimal(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, rest),
                _ => (b'%', self.0.get(1..).unwrap_or_default()),
            },
            [byte, rest @ ..] => (*byte, rest),
            [] => return None,
        };
        self.0 = rest;
        Some(byte)
    }
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

const MASK: &[u8] = b"***";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, expected: &str) {
        let sensitive: Vec<_> = SENSITIVE_PARAMETERS.into_iter().map(Box::from).collect();
        let mut out = Vec::new();
        mask_target(target.as_bytes(), &sensitive, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn h28_values_of_sensitive_parameters_are_masked() {
        check("/a?token=canary", "/a?token=***");
        check("/a?x=1&api_key=canary&y=2", "/a?x=1&api_key=***&y=2");
        check("/a?key=&token=canary&token=canary", "/a?key=***&token=***&token=***");
        check("/a?X-Amz-Signature=canary", "/a?X-Amz-Signature=***");
        check("/a?a?token=1&token=canary?b", "/a?a?token=1&token=***");
    }

    #[test]
    fn names_are_known_in_any_spelling() {
        check("/a?ApiKey=canary&API-KEY=canary&api%5Fkey=canary", "/a?ApiKey=***&API-KEY=***&api%5Fkey=***");
        check("/a?%74oken=canary&tok%65n=canary", "/a?%74oken=***&tok%65n=***");
        check("/a?x=1;token=canary", "/a?x=1;token=***");
        check("/a?token=can;ary=1&x=1", "/a?token=***&x=1");
    }

    #[test]
    fn everything_else_stays_as_it_was_sent() {
        for target in
            ["/a", "/a?", "/token=1", "/a?&&;", "/a?token", "/a?tokens=1&x=token", "/a?%zz=%4&%", "*", ""]
        {
            check(target, target);
        }
    }
}
