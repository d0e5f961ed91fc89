//! Who may pass: the access rule, compiled; deny on any doubt.

use crate::fault::Fault;
use crate::route::Routed;
use gate_http::{FieldName, RequestHead};
use gate_snapshot::AccessRule;
use gate_telemetry::Reason;

/// Lets a request pass, or says why not: a guest gets 401 (contract D-5). Everyone is a guest until identities join.
pub(crate) fn allow(routed: &Routed) -> Result<(), Fault> {
    match routed.proxy.access_rule {
        AccessRule::Public => Ok(()),
        AccessRule::Nobody | AccessRule::Superusers => Err(Reason::Unauthorized.into()),
    }
}

/// A WebSocket handshake is refused in a way a person can read (contract D-11), but only to those who may pass at all.
pub(crate) fn refuse_websocket(head: &RequestHead, bytes: &[u8]) -> Result<(), Fault> {
    let is_websocket = || {
        let upgrade = head.field(FieldName::Upgrade)?.value.of(bytes);
        Some(
            upgrade
                .split(|byte| *byte == b',')
                .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"websocket")),
        )
    };
    if head.wants_upgrade() && is_websocket() == Some(true) {
        return Err(Reason::WebSocketUnsupported.into());
    }
    Ok(())
}
