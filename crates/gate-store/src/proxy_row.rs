//! One row of `_proxies`, with a field a column.

use crate::{PROXIES, Row};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// One row of `_proxies` (contract §3.1). Columns of JSON are kept as text, `None` where they are null.
///
/// The fields are in the order of the columns of [`PROXIES`].
#[derive(Clone, PartialEq, Deserialize, Serialize)]
pub struct ProxyRow {
    /// 15 characters of `a-z0-9`, never changed.
    pub id: String,
    /// When it was made: `2006-01-02 15:04:05.000Z`.
    pub created: String,
    /// When it was last changed; the value an optimistic lock compares (contract D-13).
    pub updated: String,
    /// The path prefix it answers to; no two rows have the same.
    pub path: String,
    /// The URL it leads to.
    pub upstream: String,
    /// What people call it; may be empty.
    pub name: String,
    /// What people say about it; may be empty.
    pub description: String,
    /// Whether requests are forwarded.
    #[serde(with = "flag")]
    pub active: bool,
    /// Whether the prefix is taken off.
    #[serde(with = "flag")]
    pub strip_path: bool,
    /// Who may pass.
    pub access_rule: String,
    /// Seconds to the response head; 0 stands for the default.
    pub timeout: f64,
    /// Requests at one time; 0 = unlimited.
    pub max_concurrent: i64,
    /// Whether the caller's credentials are forwarded (contract D-8).
    #[serde(with = "flag")]
    pub forward_auth: bool,
    /// Whether the caller's `Accept-Encoding` is forwarded (contract D-25).
    #[serde(with = "flag")]
    pub forward_encoding: bool,
    /// Whether the upstream answers CORS preflights (contract D-22). A snapshot that an older version kept says nothing of it.
    #[serde(default, with = "flag")]
    pub forward_preflight: bool,
    /// JSON object: header name → template.
    pub headers: Option<String>,
    /// JSON object: when to stop calling a failing upstream.
    pub circuit_breaker: Option<String>,
    /// JSON object: seconds for each phase.
    pub timeout_config: Option<String>,
    /// JSON object: waiting for a free slot (contract D-27).
    pub queue_config: Option<String>,
    /// JSON object: limits for one caller (contract D-27).
    pub limits: Option<String>,
    /// JSON object: requests in a time (contract D-27).
    pub rate_limit: Option<String>,
    /// JSON object: repeated attempts (contract D-27).
    pub retry_config: Option<String>,
}

impl ProxyRow {
    /// The same as a row of [`PROXIES`].
    pub fn to_row(&self) -> Row {
        Row::new(&PROXIES)
            .with("id", &*self.id)
            .with("created", &*self.created)
            .with("updated", &*self.updated)
            .with("path", &*self.path)
            .with("upstream", &*self.upstream)
            .with("name", &*self.name)
            .with("description", &*self.description)
            .with("active", self.active)
            .with("stripPath", self.strip_path)
            .with("accessRule", &*self.access_rule)
            .with("timeout", self.timeout)
            .with("maxConcurrent", self.max_concurrent)
            .with("forwardAuth", self.forward_auth)
            .with("forwardEncoding", self.forward_encoding)
            .with("forwardPreflight", self.forward_preflight)
            .with("headers", self.headers.as_deref())
            .with("circuitBreaker", self.circuit_breaker.as_deref())
            .with("timeoutConfig", self.timeout_config.as_deref())
            .with("queueConfig", self.queue_config.as_deref())
            .with("limits", self.limits.as_deref())
            .with("rateLimit", self.rate_limit.as_deref())
            .with("retryConfig", self.retry_config.as_deref())
    }

    /// A row of [`PROXIES`] as this type.
    pub fn from_row(row: &Row) -> Self {
        let text = |column| row.text(column).to_owned();
        let json = |column| row.json(column).map(str::to_owned);
        ProxyRow {
            id: text("id"),
            created: text("created"),
            updated: text("updated"),
            path: text("path"),
            upstream: text("upstream"),
            name: text("name"),
            description: text("description"),
            active: row.flag("active"),
            strip_path: row.flag("stripPath"),
            access_rule: text("accessRule"),
            timeout: row.number("timeout"),
            max_concurrent: row.integer("maxConcurrent"),
            forward_auth: row.flag("forwardAuth"),
            forward_encoding: row.flag("forwardEncoding"),
            forward_preflight: row.flag("forwardPreflight"),
            headers: json("headers"),
            circuit_breaker: json("circuitBreaker"),
            timeout_config: json("timeoutConfig"),
            queue_config: json("queueConfig"),
            limits: json("limits"),
            rate_limit: json("rateLimit"),
            retry_config: json("retryConfig"),
        }
    }
}

/// Shows which row it is and nothing else: headers may hold secrets.
impl fmt::Debug for ProxyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyRow").field("id", &self.id).field("path", &self.path).finish_non_exhaustive()
    }
}

/// Databases without booleans have 0 and 1.
mod flag {
    use super::{Deserialize, Deserializer, Serializer};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        u8::deserialize(deserializer).map(|flag| flag != 0)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde calls")]
    pub(super) fn serialize<S: Serializer>(flag: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(u8::from(*flag))
    }
}
