//! CORS preflights are answered here, without the upstream, unless the proxy says otherwise (contract D-22): a browser that may
//! not ask across origins cannot use a gateway, and an API made for servers does not answer them.

use crate::pipeline::RequestFacts;
use crate::refusal::{self, Answer};
use crate::route::Routed;
use gate_http::{FieldName, RequestHead};

/// The answer, if this is a preflight that is not the upstream's to answer.
pub(crate) fn answer(
    head: &RequestHead,
    bytes: &[u8],
    routed: &Routed,
    facts: &RequestFacts,
) -> Option<Answer> {
    if !gate_request::is_preflight_for_us(head, &routed.proxy) {
        return None;
    }
    let requested = head.field(FieldName::AccessControlRequestHeaders);
    let requested = requested.map(|line| line.value.of(bytes)).unwrap_or_default();
    Some(refusal::preflight(requested, facts))
}
