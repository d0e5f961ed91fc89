//! What the upstream would get.

use gate_http::{FieldName, RequestHead};
use gate_request::{Sender, Withheld};
use gate_snapshot::{HeaderValue, Identity, InjectedHeader, Proxy, Scheme};
use serde::Serialize;

/// A request as the upstream would get it.
#[derive(Serialize)]
pub(super) struct Sent {
    method: String,
    url: String,
    host: String,
    /// The client's header fields that go on, by name.
    forwarded: Vec<String>,
    /// Those that do not.
    withheld: Vec<WithheldField>,
    /// What the proxy sets.
    injected: Vec<InjectedField>,
}

#[derive(Serialize)]
struct WithheldField {
    name: String,
    because: &'static str,
}

#[derive(Serialize)]
struct InjectedField {
    name: String,
    /// Masked; empty when it has no value for this caller, and then it is not sent.
    value: &'static str,
}

impl Sent {
    pub(super) fn new(
        proxy: &Proxy,
        head: &RequestHead,
        bytes: &[u8],
        stripped: usize,
        identity: Option<&Identity>,
        has_our_token: bool,
    ) -> Self {
        let sender = Sender { has_our_token, ..Sender::default() };
        let (mut forwarded, mut withheld) = (Vec::new(), Vec::new());
        // The Host of the question may be ours.
        for line in head.fields().iter().filter(|line| line.known != FieldName::Host) {
            let name = lossy(line.name.of(bytes));
            match gate_request::withheld(proxy, head, bytes, line, sender) {
                None => forwarded.push(name),
                Some(reason) => withheld.push(WithheldField { name, because: because(reason) }),
            }
        }
        let host = proxy.upstream.id.authority().to_owned();
        let target = gate_request::target(&proxy.upstream, head, bytes, stripped).concat();
        Sent {
            method: lossy(head.method_span().of(bytes)),
            url: format!("{}://{host}{}", scheme(proxy), lossy(&target)),
            host,
            forwarded,
            withheld,
            injected: proxy.headers.iter().map(|header| injected(header, identity)).collect(),
        }
    }
}

fn injected(header: &InjectedHeader, identity: Option<&Identity>) -> InjectedField {
    let is_sent = match &header.value {
        HeaderValue::Resolved(_) => true,
        HeaderValue::Template(parts) => parts.iter().any(|part| !part.bytes(identity).is_empty()),
        HeaderValue::Unresolved { .. } => false,
    };
    InjectedField { name: header.name.to_string(), value: if is_sent { "***" } else { "" } }
}

fn because(reason: Withheld) -> &'static str {
    match reason {
        Withheld::Framing => "framing",
        Withheld::Origin => "origin",
        Withheld::Override => "override",
        Withheld::RequestId => "request_id",
        Withheld::Encoding => "encoding",
        Withheld::Credentials => "credentials",
        Withheld::HopByHop => "hop_by_hop",
        Withheld::Injected => "injected",
        Withheld::Alias => "alias",
    }
}

fn scheme(proxy: &Proxy) -> &'static str {
    match proxy.upstream.id.scheme() {
        Scheme::Https => "https",
        Scheme::Http | Scheme::ControlPlane => "http",
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
