//! The request target (RFC 9112 section 3.2).

use memchr::{memchr_iter, memchr2};

use crate::{Method, Span, authority, grammar};

/// A request target, taken apart. The spans are positions in the head.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Target {
    /// All of it.
    pub(crate) whole: Span,
    /// The authority of an absolute-form, otherwise empty.
    pub(crate) authority: Span,
    /// The path, or the `*` of `OPTIONS *`. Empty only for CONNECT.
    pub(crate) path: Span,
    /// The query with its `?`, or empty.
    pub(crate) query: Span,
}

impl Target {
    /// Reads the target at `whole`; each form only with the methods it is for. `None` when it is malformed.
    pub(crate) fn parse(bytes: &[u8], whole: Span, method: Method) -> Option<Self> {
        let target = whole.of(bytes);
        if method == Method::Connect {
            let is_authority_form = authority::is_authority_with_port(target);
            return is_authority_form.then(|| Self { whole, ..Self::default() });
        }
        match target {
            [b'/', ..] => Self::from_path(bytes, whole, whole, Span::default()),
            b"*" if method == Method::Options => Some(Self { whole, path: whole, ..Self::default() }),
            _ => Self::absolute(bytes, whole),
        }
    }

    /// Reads an absolute-form: `http://authority/path?query`.
    fn absolute(bytes: &[u8], whole: Span) -> Option<Self> {
        let target = whole.of(bytes);
        let scheme_length = [&b"http://"[..], b"https://"]
            .into_iter()
            .find(|scheme| {
                target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            })?
            .len();
        let behind_scheme = target.get(scheme_length..)?;
        let authority_length = memchr2(b'/', b'?', behind_scheme).unwrap_or(behind_scheme.len());
        let start = whole.start() + scheme_length;
        let authority = Span::new(start, start + authority_length);
        if !authority::is_authority(authority.of(bytes)) {
            return None;
        }
        let rest = Span::new(authority.end(), whole.end());
        let target = Self::from_path(bytes, whole, rest, authority)?;
        // Without a path it is `/` (RFC 9110 section 4.2.3). The scheme has two of them to point at.
        let root = Span::new(start - 1, start);
        Some(if target.path.is_empty() { Self { path: root, ..target } } else { target })
    }

    /// Splits `rest` into path and query and checks both.
    fn from_path(bytes: &[u8], whole: Span, rest: Span, authority: Span) -> Option<Self> {
        let (path, query) = rest.of(bytes).split_at_checked(grammar::PATH.prefix(rest.of(bytes)))?;
        let is_query = query.is_empty() || (query.starts_with(b"?") && is_all_query(query));
        // A query is never decoded on the way, and a bare `%` in one (`?discount=10%`) is as common as wrong.
        let is_valid = is_query && has_whole_escapes(path);
        let middle = rest.start() + path.len();
        let (path, query) = (Span::new(rest.start(), middle), Span::new(middle, rest.end()));
        is_valid.then_some(Self { whole, authority, path, query })
    }
}

fn is_all_query(bytes: &[u8]) -> bool {
    grammar::QUERY.prefix(bytes) == bytes.len()
}

/// Whether every `%` is followed by two hexadecimal digits.
fn has_whole_escapes(bytes: &[u8]) -> bool {
    memchr_iter(b'%', bytes)
        .all(|at| bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}
