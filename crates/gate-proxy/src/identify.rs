//! Who calls: the token of the request, and the record it stands for.

use crate::client::Client;
use crate::connect::while_client_waits;
use crate::fault::Fault;
use crate::known_tokens::Bearer;
use crate::route::Routed;
use crate::worker::Worker;
use gate_http::RequestHead;
use gate_snapshot::{AccessRule, Answer, Identity, Verdict};
use gate_telemetry::Reason;
use std::time::Duration;

/// Who calls. `None` = nobody asked, or there was no token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller(Option<Bearer>);

/// Finds out who calls, if it makes a difference. A token that was seen before costs a look into a table.
///
/// # Errors
/// The client goes away meanwhile, or nobody can say at the moment whose token it is.
pub(crate) async fn identify(
    worker: &Worker,
    client: &mut Client,
    head: &RequestHead,
    routed: &Routed,
) -> Result<Caller, Fault> {
    if !makes_a_difference(routed) {
        return Ok(Caller::default());
    }
    let Some(token) = gate_request::token(head, client.bytes()) else { return Ok(Caller::default()) };
    let epoch = worker.identities.epoch();
    let now = worker.deadlines.instant();
    if let Some(bearer) = worker.known_tokens.borrow_mut().bearer(token, now, epoch) {
        worker.metrics.token_hits.add(1);
        return Ok(Caller(Some(bearer)));
    }
    worker.metrics.token_misses.add(1);
    let token: Box<str> = token.into();
    let asked = worker.identities.ask(token.clone());
    let asked = asked.map_err(|error| Fault::because(Reason::IdentityUnavailable, error))?;
    let answer = while_client_waits(client, asked).await?.unwrap_or(NO_ANSWER);
    let bearer = worker.known_tokens.borrow_mut().learn(token, answer, now, epoch);
    bearer.map(|bearer| Caller(Some(bearer))).ok_or_else(|| Reason::IdentityUnavailable.into())
}

/// Whether anything about the request depends on who calls: the rule, a header, a limit, or whether the token is kept from
/// the upstream.
fn makes_a_difference(routed: &Routed) -> bool {
    let proxy = &routed.proxy;
    let decides = matches!(proxy.access_rule, AccessRule::Superusers | AccessRule::Expression(_));
    let counts = proxy.traffic_config.tells_callers_apart();
    !routed.is_control_plane && (decides || !proxy.forward_auth || proxy.names_caller() || counts)
}

impl Caller {
    /// The record of the caller; `None` = a guest.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        match &self.0 {
            Some(Bearer::Known(identity)) => Some(identity),
            _ => None,
        }
    }

    /// Whether the request carries a token that is ours, valid or not.
    pub(crate) fn has_our_token(&self) -> bool {
        matches!(self.0, Some(Bearer::Known(_) | Bearer::Invalid))
    }
}

/// Whoever was to answer has ended.
const NO_ANSWER: Answer = Answer { verdict: Verdict::Unavailable, valid_for: Duration::ZERO };
