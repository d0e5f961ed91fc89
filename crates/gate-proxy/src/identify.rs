//! Who calls: the token of the request, and the record it stands for.

use crate::client::Client;
use crate::connect::while_client_waits;
use crate::fault::Fault;
use crate::known_tokens::Bearer;
use crate::route::Routed;
use crate::worker::Worker;
use gate_http::{FieldName, RequestHead, is_field_value};
use gate_snapshot::{AccessRule, Answer, HeaderValue, Identity, TemplatePart, Verdict};
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
    let Some(token) = token(head, client.bytes()) else { return Ok(Caller::default()) };
    let epoch = worker.identities.epoch();
    let now = worker.deadlines.instant();
    if let Some(bearer) = worker.known_tokens.borrow_mut().bearer(token, now, epoch) {
        return Ok(Caller(Some(bearer)));
    }
    let token: Box<str> = token.into();
    let asked = worker.identities.ask(token.clone());
    let asked = asked.map_err(|error| Fault::because(Reason::IdentityUnavailable, error))?;
    let answer = while_client_waits(client, asked).await?.unwrap_or(NO_ANSWER);
    let bearer = worker.known_tokens.borrow_mut().learn(token, answer, now, epoch);
    bearer.map(|bearer| Caller(Some(bearer))).ok_or_else(|| Reason::IdentityUnavailable.into())
}

/// Whether anything about the request depends on who calls: the rule, a header, or whether the token is kept from the
/// upstream.
fn makes_a_difference(routed: &Routed) -> bool {
    let proxy = &routed.proxy;
    let decides = matches!(proxy.access_rule, AccessRule::Superusers | AccessRule::Expression(_));
    !routed.is_control_plane && (decides || !proxy.forward_auth || proxy.names_caller())
}

/// The token of `Authorization: TOKEN` or `Authorization: Bearer TOKEN` (contract §1.1), if it can be one of ours.
fn token<'a>(head: &RequestHead, bytes: &'a [u8]) -> Option<&'a str> {
    let value = str::from_utf8(head.field(FieldName::Authorization)?.value.of(bytes)).ok()?;
    let token = match value.split_at_checked("Bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer ") => token.trim_ascii(),
        _ => value,
    };
    is_token_of_ours(token).then_some(token)
}

/// The look of a signed JSON Web Token: a header that begins with `{"`, and three parts (RFC 7515 §7.1).
fn is_token_of_ours(token: &str) -> bool {
    token.len() <= TOKEN_BYTES_MAX
        && token.starts_with("eyJ")
        && memchr::memchr_iter(b'.', token.as_bytes()).count() == 2
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

    /// What a header gets for a part of its template.
    pub(crate) fn part<'a>(&'a self, part: &'a TemplatePart) -> &'a [u8] {
        match part {
            TemplatePart::Literal(bytes) => bytes,
            TemplatePart::Auth(name) => {
                self.identity().map_or(&[], |identity| identity.text(name).as_bytes())
            }
        }
    }

    /// Whether everything a header gets from the caller may stand in a header (H13).
    pub(crate) fn fits(&self, value: &HeaderValue) -> bool {
        match value {
            HeaderValue::Template(parts) => parts.iter().all(|part| is_field_value(self.part(part))),
            HeaderValue::Resolved(_) | HeaderValue::Unresolved { .. } => true,
        }
    }
}

/// Whoever was to answer has ended.
const NO_ANSWER: Answer = Answer { verdict: Verdict::Unavailable, valid_for: Duration::ZERO };
/// A token of ours has 250 bytes; nothing longer is asked about.
const TOKEN_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use gate_http::Progress;

    #[track_caller]
    fn check(authorization: &str, expected: Option<&str>) {
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\n\r\n");
        let mut head = RequestHead::new();
        assert!(matches!(head.parse(bytes.as_bytes()), Ok(Progress::Complete { .. })));
        assert_eq!(token(&head, bytes.as_bytes()), expected, "{authorization}");
    }

    #[test]
    fn a_token_comes_bare_or_as_bearer() {
        check("eyJhb.c.d", Some("eyJhb.c.d"));
        check("Bearer eyJhb.c.d", Some("eyJhb.c.d"));
        check("bEARER  eyJhb.c.d", Some("eyJhb.c.d"));
    }

    #[test]
    fn what_cannot_be_a_token_of_ours_is_not_asked_about() {
        for other in ["", "Bearer", "Bearer sk-1", "Basic YTpi", "eyJhb.c", "eyJhb.c.d.e", "abc.d.e", "é.b.c"]
        {
            check(other, None);
        }
        check(&format!("eyJ{}.b.c", "x".repeat(TOKEN_BYTES_MAX)), None);
    }
}
