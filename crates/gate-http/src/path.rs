//! The canonical form of a request path: what routing and access rules look at.
//!
//! The canonical form decodes percent-encodings once, takes `%2F` for the separator it may become later, and merges
//! repeated separators. A path whose meaning depends on who reads it is refused rather than repaired: dot segments
//! in any spelling, encodings of `\`, NUL or control characters, encodings that decode to another encoding of a
//! separator or dot, and broken encodings (RFC 3986 §2.4, §6.2.2). What is forwarded stays the path as it was sent; since no segment
//! is ever resolved away, a canonical prefix is always a raw prefix too, and [`raw_prefix`] finds it.

/// A path that means different things to different readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ambiguous path")]
pub struct AmbiguousPath;

/// The canonical form of an origin-form path (starts with `/`, no query).
///
/// Most paths are canonical as they are and come back borrowed; otherwise the form is built in `scratch`, which keeps its
/// capacity from request to request.
///
/// # Errors
/// [`AmbiguousPath`] as the module says.
pub fn canonical<'a>(path: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<&'a [u8], AmbiguousPath> {
    if is_plain(path) {
        return Ok(path);
    }
    scratch.clear();
    for step in Steps::new(path) {
        scratch.push(step?.byte);
    }
    if scratch.split(|byte| *byte == b'/').any(is_dot_segment) {
        return Err(AmbiguousPath);
    }
    Ok(scratch)
}

/// How many bytes of the raw path make up the first `length` bytes of its canonical form.
///
/// `path` must have passed [`canonical`].
#[inline]
pub fn raw_prefix(path: &[u8], length: usize) -> usize {
    if is_plain(path) {
        return length.min(path.len());
    }
    let Some(last) = length.checked_sub(1) else { return 0 };
    Steps::new(path).nth(last).and_then(Result::ok).map_or(path.len(), |step| step.end)
}

/// One byte of the canonical form and where its raw spelling ends.
struct Step {
    byte: u8,
    end: usize,
}

/// Walks a raw path byte by byte of its canonical form.
struct Steps<'a> {
    path: &'a [u8],
    position: usize,
    after_separator: bool,
}

impl<'a> Steps<'a> {
    fn new(path: &'a [u8]) -> Self {
        Steps { path, position: 0, after_separator: false }
    }

    /// The next byte, decoded.
    fn decode(&mut self) -> Option<Result<u8, AmbiguousPath>> {
        let rest = self.path.get(self.position..)?;
        match rest {
            [] => None,
            [b'%', high, low, after @ ..] => {
                self.position += 3;
                Some(decoded(*high, *low, after))
            }
            [b'%' | b'\\', ..] => {
                self.position = self.path.len();
                Some(Err(AmbiguousPath))
            }
            [byte, ..] => {
                self.position += 1;
                Some(Ok(*byte))
            }
        }
    }
}

impl Iterator for Steps<'_> {
    type Item = Result<Step, AmbiguousPath>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let byte = match self.decode()? {
                Ok(byte) => byte,
                Err(error) => return Some(Err(error)),
            };
            let repeated = byte == b'/' && self.after_separator;
            self.after_separator = byte == b'/';
            if !repeated {
                return Some(Ok(Step { byte, end: self.position }));
            }
        }
    }
}

/// Whether a path is its own canonical form: nothing encoded, no empty segment, no segment that begins with a dot.
fn is_plain(path: &[u8]) -> bool {
    let mut previous = 0;
    for &byte in path {
        if byte == b'%' || byte == b'\\' || (previous == b'/' && (byte == b'/' || byte == b'.')) {
            return false;
        }
        previous = byte;
    }
    true
}

fn decoded(high: u8, low: u8, after: &[u8]) -> Result<u8, AmbiguousPath> {
    let byte = hex_pair(high, low).ok_or(AmbiguousPath)?;
    let hides = |inner: u8| matches!(inner, b'.' | b'/' | b'\\' | b'%');
    match (byte, after) {
        (0..=0x1f | 0x7f | b'\\', _) => Err(AmbiguousPath),
        (b'%', [high, low, ..]) if hex_pair(*high, *low).is_some_and(hides) => Err(AmbiguousPath),
        _ => Ok(byte),
    }
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// `.` and `..`, also with the parameters that some servers cut off (`..;x`).
fn is_dot_segment(segment: &[u8]) -> bool {
    let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
    matches!(name, b"." | b"..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        let mut scratch = Vec::new();
        assert_eq!(canonical(path.as_bytes(), &mut scratch), Ok(expected.as_bytes()), "{path}");
    }

    #[track_caller]
    fn refused(path: &str) {
        assert_eq!(canonical(path.as_bytes(), &mut Vec::new()), Err(AmbiguousPath), "{path}");
    }

    #[test]
    fn spellings_of_one_path_have_one_canonical_form() {
        check("/", "/");
        check("/-/openai/v1", "/-/openai/v1");
        check("/-/open%61i", "/-/openai");
        check("//-///openai/", "/-/openai/");
        check("/a%2fb", "/a/b");
        check("/a%2F%2Fb", "/a/b");
        check("/.well-known/x", "/.well-known/x");
        check("/a.b/c..d", "/a.b/c..d");
        check("/a;b=c", "/a;b=c");
        check("/caf%C3%A9", "/café");
        check("/100%25", "/100%");
        check("/%25zz", "/%zz");
    }

    #[test]
    fn paths_that_readers_disagree_about_are_refused() {
        for path in [
            "/.",
            "/..",
            "/./a",
            "/a/..",
            "/a/../b",
            "/%2e%2e/a",
            "/.%2e/a",
            "/a/..;/b",
            "/a/.;x/b",
            "/a%2f..%2fb",
            "/a\\b",
            "/a%5cb",
            "/a%00",
            "/a%0d%0a",
            "/a%7f",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%252e%252e",
            "/a%252f",
            "/a%255c",
            "/a%2525",
        ] {
            refused(path);
        }
    }

    #[test]
    fn a_thousand_dot_segments_are_refused_in_one_pass() {
        refused(&"/.".repeat(1000));
    }

    #[track_caller]
    fn check_prefix(path: &str, canonical_length: usize, raw: &str) {
        assert_eq!(&path[..raw_prefix(path.as_bytes(), canonical_length)], raw);
    }

    #[test]
    fn a_canonical_prefix_is_found_in_the_raw_path() {
        check_prefix("/-/openai/v1", "/-/openai".len(), "/-/openai");
        check_prefix("/-/open%61i/v1", "/-/openai".len(), "/-/open%61i");
        check_prefix("//-//openai/%41", "/-/openai".len(), "//-//openai");
        check_prefix("/a%2fb/c", "/a/b".len(), "/a%2fb");
        check_prefix("/a", 0, "");
    }

    proptest! {
        #[test]
        fn canonical_is_idempotent_up_to_literal_percent_signs(path in "/([a-c./]|%2[ef]|%6[1-3]){0,12}") {
            let mut scratch = Vec::new();
            if let Ok(form) = canonical(path.as_bytes(), &mut scratch) {
                let form = form.to_vec();
                let mut again = Vec::new();
                prop_assert_eq!(canonical(&form, &mut again), Ok(&*form));
                for length in 0..=form.len() {
                    let raw = &path.as_bytes()[..raw_prefix(path.as_bytes(), length)];
                    let mut scratch = Vec::new();
                    let again: Vec<u8> = Steps::new(raw).map(|step| step.unwrap().byte).collect();
                    prop_assert_eq!(&again, &form[..length]);
                    let _ = canonical(raw, &mut scratch);
                }
            }
        }
    }
}
