//! What the upstream is asked for.

use gate_http::RequestHead;
use gate_snapshot::Upstream;

/// Base path, rest of the path, query; percent-encodings as they came (contract §3.2). `stripped` bytes of the raw path
/// are not forwarded. `*` asks about the server as a whole (RFC 9110 §9.3.7), whatever the base path.
pub fn target<'a>(
    upstream: &'a Upstream,
    head: &RequestHead,
    bytes: &'a [u8],
    stripped: usize,
) -> [&'a [u8]; 3] {
    let base: &[u8] = upstream.base_path.as_bytes();
    let rest = head.path().of(bytes).get(stripped..).unwrap_or_default();
    if rest == b"*" {
        return [b"", rest, b""];
    }
    let rest: &[u8] = if base.is_empty() && rest.is_empty() { b"/" } else { rest };
    [base, rest, head.query().of(bytes)]
}
