//! What rules may know of a request.

use super::auth_record::AuthRecord;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What rules may know of a request: the names below `@request` (contract §2.2).
#[derive(Clone, Debug, Default)]
pub struct RequestInfo {
    /// The method, in upper case.
    pub method: String,
    /// What the request is part of.
    pub context: Context,
    /// The first value of each header, by its name in lower case with `_` for `-`. Without `Host`.
    pub headers: BTreeMap<String, String>,
    /// The first value of each query parameter.
    pub query: BTreeMap<String, String>,
    /// The body.
    pub body: Map<String, Value>,
    /// Whose token it carries; `None` for a guest.
    pub auth: Option<AuthRecord>,
    /// Where it comes from, which no rule sees; `None` where nobody knows.
    pub address: Option<IpAddr>,
}

/// What a request is part of: `@request.context`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Context {
    /// A request for a proxy, or one for the API itself.
    #[default]
    Default,
    /// A login with a password.
    Password,
    /// The subscription to changes.
    Realtime,
    /// One of many in a batch.
    Batch,
}

impl Context {
    /// The text a rule compares.
    pub fn as_str(self) -> &'static str {
        match self {
            Context::Default => "default",
            Context::Password => "password",
            Context::Realtime => "realtime",
            Context::Batch => "batch",
        }
    }
}

impl RequestInfo {
    /// Whether the caller is a superuser.
    pub fn is_superuser(&self) -> bool {
        self.auth.as_ref().is_some_and(AuthRecord::is_superuser)
    }
}
