//! Values that must not be in a log: what would let its reader in somewhere (H28).

use memchr::{memchr, memchr2};

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

/// The names of the parameters whose values are masked. A name in a query is read once, however many these are.
#[derive(Debug)]
pub(super) struct Sensitive {
    /// Of what is significant of each name. One that has the hash of another is masked as well: whoever sends it hides nothing that
    /// he could not hide anyway.
    hashes: Box<[u64]>,
    /// One bit for each: hardly any name that is not sensitive is looked for.
    filter: [u64; FILTER_WORDS],
}

impl Sensitive {
    /// Names in any spelling, as they may stand in a query.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let hashes: Box<[u64]> = names.map(|name| hash(name.as_bytes())).collect();
        let mut filter = [0; FILTER_WORDS];
        for (place, bit) in hashes.iter().map(|hash| place_in_filter(*hash)) {
            if let Some(bits) = filter.get_mut(place) {
                *bits |= bit;
            }
        }
        Sensitive { hashes, filter }
    }

    /// Appends a target with the values of these parameters as `***`.
    ///
    /// Names are compared after percent-decoding and without regard to case, `-` and `_`. A parameter begins after `&` or
    /// `;`, for which some services take both; the value of a sensitive one goes on to the next `&`.
    pub(super) fn mask(&self, target: &[u8], out: &mut Vec<u8>) {
        let Some(query) = memchr(b'?', target) else {
            return out.extend_from_slice(target);
        };
        let (mut copied, mut begin) = (0, query + 1);
        while let Some(rest) = target.get(begin..) {
            let (length, hash) = read_name(rest);
            let behind = rest.get(length..).unwrap_or_default();
            let end = if behind.first() == Some(&b'=') && self.has(hash) {
                let value = begin + length + 1;
                out.extend_from_slice(target.get(copied..value).unwrap_or_default());
                out.extend_from_slice(MASK);
                copied = memchr(b'&', behind).map_or(target.len(), |end| begin + length + end);
                copied
            } else {
                memchr2(b'&', b';', behind).map_or(target.len(), |end| begin + length + end)
            };
            begin = end + 1;
        }
        out.extend_from_slice(target.get(copied..).unwrap_or_default());
    }

    fn has(&self, hash: u64) -> bool {
        let (place, bit) = place_in_filter(hash);
        self.filter.get(place).is_some_and(|bits| bits & bit != 0) && self.hashes.contains(&hash)
    }
}

/// The length of the name at the front of a parameter, and the hash of what is significant of it.
#[inline]
fn read_name(parameter: &[u8]) -> (usize, u64) {
    let mut hash = HASH_OF_NOTHING;
    for (length, byte) in parameter.iter().enumerate() {
        match byte {
            b'=' | b'&' | b';' => return (length, hash),
            b'%' => return read_encoded_name(parameter),
            b'-' | b'_' => {}
            byte => hash = hashed(hash, byte.to_ascii_lowercase()),
        }
    }
    (parameter.len(), hash)
}

#[cold]
fn read_encoded_name(parameter: &[u8]) -> (usize, u64) {
    let length = parameter.iter().position(|byte| matches!(byte, b'=' | b'&' | b';'));
    let length = length.unwrap_or(parameter.len());
    (length, hash(parameter.get(..length).unwrap_or_default()))
}

/// The hash of what of a name is compared: the bytes it stands for, without `-` and `_`, in lower case.
fn hash(name: &[u8]) -> u64 {
    let significant = Decoded(name).filter(|byte| !matches!(byte, b'-' | b'_'));
    significant.fold(HASH_OF_NOTHING, |hash, byte| hashed(hash, byte.to_ascii_lowercase()))
}

/// FNV-1a.
fn hashed(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Which bit of the filter belongs to a hash, and in which word it is.
fn place_in_filter(hash: u64) -> (usize, u64) {
    ((hash >> 32) as usize % FILTER_WORDS, 1 << (hash >> 58))
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
const HASH_OF_NOTHING: u64 = 0xcbf2_9ce4_8422_2325;
/// 512 bits: of the names that are none of some thirty, one in seventeen is looked for.
const FILTER_WORDS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, expected: &str) {
        let mut out = Vec::new();
        let sensitive = Sensitive::new(SENSITIVE_PARAMETERS.into_iter().chain(["", "Größe", "a;b"]));
        sensitive.mask(target.as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn h28_values_of_sensitive_parameters_are_masked() {
        check("/a?token=canary", "/a?token=***");
        check("/a?x=1&api_key=canary&y=2", "/a?x=1&api_key=***&y=2");
        check("/a?key=&token=canary&token=canary", "/a?key=***&token=***&token=***");
        check("/a?X-Amz-Signature=canary", "/a?X-Amz-Signature=***");
        check("/a?a?token=1&token=canary?b", "/a?a?token=1&token=***");
        check("/a?token=canary=canary&y", "/a?token=***&y");
    }

    #[test]
    fn h28_every_one_of_them_is_known() {
        for name in SENSITIVE_PARAMETERS {
            check(&format!("?{name}=canary"), &format!("?{name}=***"));
        }
    }

    #[test]
    fn names_are_known_in_any_spelling() {
        check("/a?ApiKey=canary&API-KEY=canary&api%5Fkey=canary", "/a?ApiKey=***&API-KEY=***&api%5Fkey=***");
        check("/a?%74oken=canary&tok%65n=canary", "/a?%74oken=***&tok%65n=***");
        check("/a?%54%4F%4b%45%4e=canary&t%6fken%2D=canary", "/a?%54%4F%4b%45%4e=***&t%6fken%2D=***");
        check("/a?x=1;token=canary", "/a?x=1;token=***");
        check("/a?token=can;ary=1&x=1", "/a?token=***&x=1");
        check("/a?gr%C3%B6%c3%9fe=canary", "/a?gr%C3%B6%c3%9fe=***");
        // Nothing but what is not significant is the empty name, which somebody has asked for here.
        check("/a?=canary&-_=canary", "/a?=***&-_=***");
    }

    #[test]
    fn everything_else_stays_as_it_was_sent() {
        for target in [
            "/a",
            "/a?",
            "/token=1",
            "/a?&&;",
            "/a?token",
            "/a?tokens=1&x=token",
            "/a?%zz=%4&%",
            "/a?+token=1&to+ken=1&token+=1",
            "/a?user[token]=1&token[]=1",
            "/a?%2574oken=1&token%=1&token%4=1&%=&a;b=1",
            "*",
            "",
        ] {
            check(target, target);
        }
    }
}
