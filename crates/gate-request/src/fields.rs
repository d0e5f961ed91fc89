//! Which header fields go on to the upstream.

use gate_http::{FieldLine, FieldName, RequestHead, is_field_value};
use gate_snapshot::{HeaderValue, Identity, Proxy};

/// Why a field of the client's does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// It frames the message or says where it goes, which is ours to say.
    Framing,
    /// It says where the request comes from, which is ours to say as well.
    Origin,
    /// It says, past the request line, what is asked for: an access rule has looked at that line, and the upstream may follow the
    /// field.
    Override,
    /// What the request is called is ours to say, also where we say what a trusted proxy says.
    RequestId,
    /// What the client accepts is the gateway's business, unless the proxy has `forwardEncoding`.
    Encoding,
    /// Our own credentials are nobody else's business (contract D-8, H7), unless the proxy has `forwardAuth`.
    Credentials,
    /// It is about this connection alone (RFC 9110 §7.6.1).
    HopByHop,
    /// The proxy sets it itself (H9).
    Injected,
    /// To a server that takes `_` for `-` as well it stands for another field, which somebody else may have set.
    Alias,
}

/// What decides about the fields of a request besides its proxy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender {
    /// The request carries a token of ours, valid or not.
    pub has_our_token: bool,
    /// It comes from a proxy whose word is taken.
    pub is_trusted: bool,
}

/// Why a field is not forwarded; `None` when it is.
pub fn withheld(
    proxy: &Proxy,
    head: &RequestHead,
    bytes: &[u8],
    line: &FieldLine,
    sender: Sender,
) -> Option<Withheld> {
    let name = line.name.of(bytes);
    let reason = match line.known {
        FieldName::ContentLength | FieldName::Host => Some(Withheld::Framing),
        // What a stranger says about himself; `Forwarded` would contradict the fields we write.
        FieldName::XForwardedFor
        | FieldName::XForwardedHost
        | FieldName::XForwardedProto
        | FieldName::XRealIp
        | FieldName::Forwarded => Some(Withheld::Origin),
        FieldName::XForwardedPort | FieldName::XForwardedPrefix | FieldName::XForwardedServer
            if !sender.is_trusted =>
        {
            Some(Withheld::Origin)
        }
        FieldName::XHttpMethodOverride | FieldName::XOriginalUrl | FieldName::XRewriteUrl
            if !sender.is_trusted =>
        {
            Some(Withheld::Override)
        }
        FieldName::XRequestId => Some(Withheld::RequestId),
        FieldName::AcceptEncoding if !proxy.forward_encoding => Some(Withheld::Encoding),
        FieldName::Authorization | FieldName::Cookie if sender.has_our_token => {
            (!proxy.forward_auth).then_some(Withheld::Credentials)
        }
        FieldName::AcceptEncoding => None,
        known if known.is_hop_by_hop() || head.is_named_by_connection(bytes, name) => {
            Some(Withheld::HopByHop)
        }
        _ => None,
    };
    let reason = reason.or_else(|| is_injected(proxy, name).then_some(Withheld::Injected));
    // Hardly any request has such a name.
    reason.or_else(|| (head.has_odd_name() && is_alias(head, bytes, name)).then_some(Withheld::Alias))
}

/// Whether a client's field stands for one that the proxy sets itself (H9).
pub fn is_injected(proxy: &Proxy, name: &[u8]) -> bool {
    proxy.headers.iter().any(|header| is_copy_of(name, header.name.as_bytes()))
}

/// Whether everything a header gets from the caller may stand in a header (H13).
pub fn fits(value: &HeaderValue, identity: Option<&Identity>) -> bool {
    match value {
        HeaderValue::Template(parts) => parts.iter().all(|part| is_field_value(part.bytes(identity))),
        HeaderValue::Resolved(_) | HeaderValue::Unresolved { .. } => true,
    }
}

/// Whether a name with `_` stands for a field that is there in another spelling, or that we add.
fn is_alias(head: &RequestHead, bytes: &[u8], name: &[u8]) -> bool {
    let is_spelled_otherwise = |other: &[u8]| is_copy_of(name, other) && !name.eq_ignore_ascii_case(other);
    let is_ours = || is_copy_of(name, FieldName::XRequestId.spelling().as_bytes());
    name.contains(&b'_')
        && (is_ours() || head.fields().iter().any(|line| is_spelled_otherwise(line.name.of(bytes))))
}

/// Whether two names are the same to a server that takes `_` for `-` as well.
fn is_copy_of(name: &[u8], other: &[u8]) -> bool {
    let fold = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    name.len() == other.len() && name.iter().zip(other).all(|(a, b)| fold(*a) == fold(*b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{parsed, proxy};
    use gate_snapshot::{IdentityField, InjectedHeader, TemplatePart};

    /// Why each field behind `Host` is withheld.
    fn reasons(proxy: &Proxy, fields: &str, has_our_token: bool) -> Vec<Option<Withheld>> {
        let bytes = format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n").into_bytes();
        let head = parsed(&bytes);
        let lines = head.fields().iter().skip(1);
        let sender = Sender { has_our_token, is_trusted: false };
        lines.map(|line| withheld(proxy, &head, &bytes, line, sender)).collect()
    }

    fn injecting(name: &str, value: HeaderValue) -> Proxy {
        Proxy { headers: vec![InjectedHeader { name: name.into(), value }], ..proxy() }
    }

    #[test]
    fn what_belongs_to_the_connection_or_to_the_gateway_stays() {
        let fields = "Connection: X-Hop\r\nX-Hop: 1\r\nForwarded: for=a\r\nX-Real-IP: b\r\nX-Request-Id: d\r\nAccept-Encoding: gzip\r\nAccept: c\r\n";
        let hop = Some(Withheld::HopByHop);
        let origin = Some(Withheld::Origin);
        let expected = [hop, hop, origin, origin, Some(Withheld::RequestId), Some(Withheld::Encoding), None];
        assert_eq!(reasons(&proxy(), fields, false), expected);
        let forwards = Proxy { forward_encoding: true, ..proxy() };
        assert_eq!(reasons(&forwards, "Accept-Encoding: gzip\r\n", false), [None]);
    }

    #[test]
    fn a32_what_overrides_the_request_line_is_for_a_trusted_proxy_to_say() {
        let bytes = b"GET / HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: DELETE\r\nX-Original-URL: /a\r\nX-Rewrite-URL: /b\r\n\
            X-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /c\r\nX-Forwarded-Server: d\r\nX-Forwarded-For: e\r\n\r\n";
        let head = parsed(bytes);
        let reasons = |is_trusted| -> Vec<_> {
            let sender = Sender { has_our_token: false, is_trusted };
            head.fields().iter().skip(1).map(|line| withheld(&proxy(), &head, bytes, line, sender)).collect()
        };
        let (over, origin) = (Some(Withheld::Override), Some(Withheld::Origin));
        assert_eq!(reasons(false), [over, over, over, origin, origin, origin, origin]);
        assert_eq!(reasons(true), [None, None, None, None, None, None, origin]);
    }

    #[test]
    fn h7_our_token_and_the_cookies_beside_it_stay() {
        let fields = "Authorization: a\r\nCookie: b\r\n";
        assert_eq!(reasons(&proxy(), fields, true), [Some(Withheld::Credentials); 2]);
        assert_eq!(reasons(&proxy(), fields, false), [None; 2]);
        assert_eq!(reasons(&Proxy { forward_auth: true, ..proxy() }, fields, true), [None; 2]);
    }

    #[test]
    fn h9_a_copy_of_an_injected_header_stays_in_any_spelling() {
        let proxy = injecting("X-Api-Key", HeaderValue::Resolved(Box::default()));
        let fields = "x-api-key: a\r\nX_API-KEY: b\r\nX-Api-Keys: c\r\n";
        let injected = Some(Withheld::Injected);
        assert_eq!(reasons(&proxy, fields, false), [injected, injected, None]);
    }

    #[test]
    fn a_name_with_underscores_does_not_stand_beside_the_field_it_stands_for() {
        let fields = "X_User_Role: a\r\nx-user-role: b\r\nX_Alone: c\r\nx_alone: d\r\nX_Request_Id: e\r\nX-A_B: f\r\nX_A-B: g\r\n";
        let alias = Some(Withheld::Alias);
        assert_eq!(reasons(&proxy(), fields, false), [alias, None, None, None, alias, alias, alias]);
    }

    #[test]
    fn h13_a_field_of_the_caller_with_a_line_break_does_not_fit() {
        let named = |text: &str| {
            let value = gate_rules::Value::Null;
            Identity::new(false, vec![IdentityField { name: "name".into(), value, text: text.into() }])
        };
        let value = HeaderValue::Template([TemplatePart::Auth("name".into())].into());
        assert!(fits(&value, None) && fits(&value, Some(&named("Ann"))));
        assert!(!fits(&value, Some(&named("A\r\nX-Admin: 1"))));
    }
}
