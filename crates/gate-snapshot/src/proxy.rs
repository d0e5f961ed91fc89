//! One compiled `_proxies` record: a path, where it leads, who may pass, and what is added on the way.

use crate::{Identity, Timeouts, Upstream};
use gate_rules::AccessRule;
use gate_telemetry::metrics::ProxyMetrics;
use gate_traffic::{ProxyTraffic, TrafficConfig};
use std::fmt;
use std::sync::Arc;

/// The id of a `_proxies` record; live state (pools, limits, breakers) is keyed by it and outlives edits (contract D-12).
pub type ProxyId = Arc<str>;

/// A path, where it leads, who may pass, and what is added on the way (contract §3.1).
///
/// In this order: of thousands of proxies none is in the processor's cache, and what every request reads is on the first lines.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Proxy {
    /// The normalised path prefix: starts with `/`, no empty, `.` or `..` segment, no trailing `/`.
    pub path: Arc<str>,
    /// Who may pass.
    pub access_rule: AccessRule,
    /// Headers set on every forwarded request. A client's copy of any of these names is removed first (H9).
    pub headers: Vec<InjectedHeader>,
    /// An inactive proxy keeps its path (404) and never falls through to a shorter one (H31).
    pub active: bool,
    /// Whether `path` is taken off before the rest is appended to the upstream's base path.
    pub strip_path: bool,
    /// Keep the caller's `Authorization` and `Cookie` although their token was ours (contract D-8).
    pub forward_auth: bool,
    /// Keep the caller's `Accept-Encoding` (contract D-25).
    pub forward_encoding: bool,
    /// Let the upstream answer CORS preflights (contract D-22).
    pub forward_preflight: bool,
    /// Where it leads.
    pub upstream: Upstream,
    /// What runs and what has failed. No configuration: it outlives edits, and hangs here because here it is found without a
    /// search (contract D-12).
    pub traffic: ProxyTraffic,
    /// What is counted about it; kept like `traffic`.
    pub metrics: Arc<ProxyMetrics>,
    /// Phase timeouts. Most proxies have the same, and may share them.
    pub timeouts: Arc<Timeouts>,
    /// Limits, queue, rate, breaker and retries; shared likewise.
    pub traffic_config: Arc<TrafficConfig>,
    /// The record's id.
    pub id: ProxyId,
    /// What people call it: the record's `name`, or its path.
    pub name: Arc<str>,
    /// What its access rule can ask of its own record (contract D-20).
    pub record: ProxyFields,
}

/// What an access rule can ask of the record it stands in, besides the path (contract D-20).
#[derive(Clone, Debug, Default)]
pub struct ProxyFields {
    /// `upstream`, as it was typed.
    pub upstream: Box<str>,
    /// `timeout`, in seconds; 0 = the default.
    pub timeout: f64,
    /// `maxConcurrent`; 0 = unlimited.
    pub max_concurrent: f64,
}

/// A header set on every forwarded request.
#[derive(Clone, Debug)]
pub struct InjectedHeader {
    /// The name as it is sent; a token (RFC 9110 §5.1).
    pub name: Box<str>,
    /// What it is set to.
    pub value: HeaderValue,
}

/// The value of an injected header. All but the caller's own fields was resolved when the snapshot was built (contract D-24).
#[derive(Clone)]
pub enum HeaderValue {
    /// Ready to send. May hold a secret: `Debug` masks it.
    Resolved(Box<[u8]>),
    /// Fields of the caller between bytes that are ready to send; at most [`TEMPLATE_PARTS_MAX`]. A value that turns out
    /// empty is not sent, and neither is the client's own (H9).
    Template(Box<[TemplatePart]>),
    /// A template that names something which does not exist: the proxy answers 500 and its upstream is never contacted (contract D-7).
    Unresolved {
        /// The template expression that has no value, such as `env.OPENAI_KEY`; for the log.
        expression: Box<str>,
    },
}

/// A part of a header's value.
#[derive(Clone)]
pub enum TemplatePart {
    /// Ready to send. May hold a secret.
    Literal(Box<[u8]>),
    /// A field of the caller's record, by the name behind `@request.auth.`; empty for guests.
    Auth(Box<str>),
}

/// More than any header is made of; lets a value be put together on the stack.
pub const TEMPLATE_PARTS_MAX: usize = 16;

impl Proxy {
    /// The first template expression without a value, if there is one.
    pub fn unresolved(&self) -> Option<&str> {
        self.headers.iter().find_map(|header| match &header.value {
            HeaderValue::Unresolved { expression } => Some(&**expression),
            HeaderValue::Resolved(_) | HeaderValue::Template(_) => None,
        })
    }

    /// Whether a header is made of the caller's fields.
    pub fn names_caller(&self) -> bool {
        self.headers.iter().any(|header| matches!(header.value, HeaderValue::Template(_)))
    }
}

impl TemplatePart {
    /// What it becomes for a caller; a field of a guest is empty.
    pub fn bytes<'a>(&'a self, identity: Option<&'a Identity>) -> &'a [u8] {
        match self {
            TemplatePart::Literal(bytes) => bytes,
            TemplatePart::Auth(name) => identity.map_or(&[], |identity| identity.text(name).as_bytes()),
        }
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderValue::Resolved(_) => f.write_str("Resolved(***)"),
            HeaderValue::Template(_) => f.write_str("Template(***)"),
            HeaderValue::Unresolved { expression } => {
                f.debug_struct("Unresolved").field("expression", expression).finish()
            }
        }
    }
}
