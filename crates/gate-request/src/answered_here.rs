//! Requests that are not forwarded, because of what they are.

use gate_http::{FieldName, Method, RequestHead};
use gate_snapshot::Proxy;

/// A browser asks whether it may ask, `OPTIONS` with an origin and a method (Fetch §3.3.2), and its proxy does not leave the
/// answer to the upstream (contract D-22).
pub fn is_preflight_for_us(head: &RequestHead, proxy: &Proxy) -> bool {
    let has = |name| head.field(name).is_some();
    let is_preflight = head.method() == Method::Options
        && has(FieldName::Origin)
        && has(FieldName::AccessControlRequestMethod);
    is_preflight && !proxy.forward_preflight
}

/// The opening handshake of a WebSocket (RFC 6455 §4.1).
pub fn is_websocket_handshake(head: &RequestHead, bytes: &[u8]) -> bool {
    let names_it = |value: &[u8]| {
        value.split(|byte| *byte == b',').any(|token| token.trim_ascii().eq_ignore_ascii_case(b"websocket"))
    };
    head.wants_upgrade() && head.field(FieldName::Upgrade).is_some_and(|line| names_it(line.value.of(bytes)))
}
