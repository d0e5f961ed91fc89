//! Who may pass: the access rule, compiled; deny on any doubt.

use crate::fault::Fault;
use crate::identify::Caller;
use crate::route::Routed;
use gate_http::RequestHead;
use gate_request::RuleContext;
use gate_telemetry::Reason;

/// Lets a request pass, or says why not: a guest gets 401, a caller we know 403 (contract D-5).
pub(crate) fn allow(head: &RequestHead, bytes: &[u8], routed: &Routed, caller: &Caller) -> Result<(), Fault> {
    let proxy = &*routed.proxy;
    let identity = caller.identity();
    let is_superuser = identity.is_some_and(gate_snapshot::Identity::is_superuser);
    if proxy.access_rule.allows(is_superuser, &RuleContext { head, bytes, proxy, identity }) {
        return Ok(());
    }
    Err(if identity.is_some() { Reason::Forbidden } else { Reason::Unauthorized }.into())
}

/// A WebSocket handshake is refused in a way a person can read (contract D-11), but only to those who may pass at all.
pub(crate) fn refuse_websocket(head: &RequestHead, bytes: &[u8]) -> Result<(), Fault> {
    if gate_request::is_websocket_handshake(head, bytes) {
        return Err(Reason::WebSocketUnsupported.into());
    }
    Ok(())
}
