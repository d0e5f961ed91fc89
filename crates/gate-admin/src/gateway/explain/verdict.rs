//! Walks a request through what the data plane would ask, in its order.

use super::asked::Asked;
use super::explanation::{Explanation, Outcome, ShownCaller, ShownProxy, ShownRule};
use super::sent::Sent;
use gate_http::RequestHead;
use gate_records::auth::identity_of;
use gate_records::records::AuthRecord;
use gate_request::{Route, RuleContext, Unroutable};
use gate_snapshot::{Identity, Proxy, RouteTable};
use gate_telemetry::Reason;

/// Who would call.
#[derive(Default)]
pub(super) struct Bearer {
    record: Option<AuthRecord>,
    pub(super) identity: Option<Identity>,
    /// Whether the request carries a token of ours, valid or not.
    pub(super) has_our_token: bool,
}

impl Bearer {
    pub(super) fn of(record: AuthRecord) -> Self {
        Bearer { identity: Some(identity_of(&record)), record: Some(record), has_our_token: true }
    }

    /// A guest whose token is ours all the same.
    pub(super) fn invalid() -> Self {
        Bearer { has_our_token: true, ..Bearer::default() }
    }

    fn shown(&self) -> Option<ShownCaller> {
        let record = self.record.as_ref()?;
        Some(ShownCaller {
            collection: record.collection_name().to_owned(),
            id: record.id().to_owned(),
            superuser: record.is_superuser(),
        })
    }
}

/// What would become of a request.
pub(super) fn judge(
    routes: &RouteTable,
    has_pocketbase: bool,
    asked: &Asked,
    bearer: &Bearer,
) -> Explanation {
    let answer = Explanation {
        outcome: Outcome::Refused,
        refusal: None,
        message: String::new(),
        proxy: None,
        caller: bearer.shown(),
        rule: None,
        upstream: None,
        dial: None,
    };
    let head = match &asked.head {
        Ok(head) => head,
        Err(error) => return answer.refused(Reason::BadRequest, format!("The request is refused: {error}.")),
    };
    match gate_request::route(routes, head, &asked.bytes, &mut Vec::new()) {
        Err(Unroutable::Method) => {
            answer.refused(Reason::MethodNotAllowed, "CONNECT and TRACE are never forwarded.".to_owned())
        }
        Err(Unroutable::Path(_)) => {
            let message = "The path means different things to different readers, and is refused.";
            answer.refused(Reason::BadRequest, message.to_owned())
        }
        Ok(Route::Nowhere) => answer.refused(Reason::NotFound, "No proxy takes this path.".to_owned()),
        Ok(Route::PocketBase) if has_pocketbase => Explanation {
            outcome: Outcome::PocketBase,
            message: "The path belongs to the PocketBase behind the gateway; no proxy can take it."
                .to_owned(),
            ..answer
        },
        Ok(Route::ControlPlane { .. } | Route::PocketBase) => Explanation {
            outcome: Outcome::ControlPlane,
            message: "The path belongs to the gateway itself; no proxy can take it.".to_owned(),
            ..answer
        },
        Ok(Route::Proxy { index, stripped }) => match routes.proxies().get(index) {
            Some(proxy) => of_proxy(answer, proxy, head, asked, bearer, stripped),
            None => answer.refused(Reason::Internal, "The proxy is gone.".to_owned()),
        },
    }
}

fn of_proxy(
    answer: Explanation,
    proxy: &Proxy,
    head: &RequestHead,
    asked: &Asked,
    bearer: &Bearer,
    stripped: usize,
) -> Explanation {
    let bytes = &*asked.bytes;
    let name = &proxy.name;
    let mut answer = Explanation { proxy: Some(ShownProxy::from(proxy)), ..answer };
    if !proxy.active {
        return answer.refused(Reason::ProxyInactive, format!("{name} takes this path and is inactive."));
    }
    if gate_request::is_preflight_for_us(head, proxy) {
        let message = "A CORS preflight is answered by the gateway.".to_owned();
        return Explanation { outcome: Outcome::Preflight, message, ..answer };
    }
    let identity = bearer.identity.as_ref();
    let is_superuser = identity.is_some_and(Identity::is_superuser);
    let context = RuleContext { head, bytes, proxy, identity };
    let rule = asked.rule.as_ref().unwrap_or(&proxy.access_rule);
    let rule = ShownRule::new(rule, is_superuser, &context);
    let denied = (!rule.allows).then(|| why_denied(&rule));
    answer.rule = Some(rule);
    if let Some(message) = denied {
        let reason = if identity.is_some() { Reason::Forbidden } else { Reason::Unauthorized };
        return answer.refused(reason, message);
    }
    if gate_request::is_websocket_handshake(head, bytes) {
        let message = "WebSockets are not forwarded.".to_owned();
        return answer.refused(Reason::WebSocketUnsupported, message);
    }
    if let Some(expression) = proxy.unresolved() {
        let message = format!("A header of {name} names {{{expression}}}, which has no value.");
        return answer.refused(Reason::TemplateUnresolved, message);
    }
    if proxy.headers.iter().any(|header| !gate_request::fits(&header.value, identity)) {
        let message = "A field of the caller holds a control character and cannot stand in a header.";
        return answer.refused(Reason::BadRequest, message.to_owned());
    }
    Explanation {
        outcome: Outcome::Forwarded,
        message: format!("The request is forwarded by {name}."),
        upstream: Some(Sent::new(proxy, head, bytes, stripped, identity, bearer.has_our_token)),
        ..answer
    }
}

fn why_denied(rule: &ShownRule) -> String {
    match rule.failed().as_slice() {
        [] => "The access rule denies this caller.".to_owned(),
        failed => format!("The access rule does not hold: not so is {}.", failed.join(", ")),
    }
}

impl Explanation {
    fn refused(self, reason: Reason, message: String) -> Self {
        Explanation { outcome: Outcome::Refused, refusal: Some(reason.into()), message, ..self }
    }
}
