//! Who listens.

use gate_records::records::{AuthRecord, Context, RecordChange, RequestInfo};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Who listens: whose token the last subscription came with. The default is a guest.
#[derive(Clone, Debug, Default)]
pub(super) struct Subscriber {
    /// `None` for a guest.
    pub(super) auth: Option<Arc<AuthRecord>>,
    /// `None` for a guest.
    pub(super) token: Option<Token>,
}

/// The token somebody listens with, kept to ask again whose it is. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token(pub(super) String);

impl Subscriber {
    pub(super) fn is_superuser(&self) -> bool {
        self.auth.as_ref().is_some_and(|auth| auth.is_superuser())
    }

    /// Whether this one may subscribe to a stream of that one: a guest becomes anybody, and somebody stays who they are.
    pub(super) fn may_follow(&self, known: &Subscriber) -> bool {
        match (&known.auth, &self.auth) {
            (None, _) => true,
            (Some(known), Some(auth)) => is_same(known, auth),
            (Some(_), None) => false,
        }
    }

    /// Whether a change ends the tokens it listens with: those of this very record, from before the change. What others
    /// wrote is told a moment later, and by then somebody may have logged in again.
    pub(super) fn is_revoked_by(&self, change: &RecordChange) -> bool {
        let (Some(auth), Some(record)) = (&self.auth, change.record()) else { return false };
        let logged_in = auth.value("updated").and_then(Value::as_str).unwrap_or_default();
        let is_older = change.after.as_ref().is_none_or(|after| logged_in < after.text("updated"));
        change.revokes_tokens() && auth.is(record) && is_older
    }

    /// The request that rules see.
    pub(super) fn request(&self) -> RequestInfo {
        RequestInfo {
            method: "GET".to_owned(),
            context: Context::Realtime,
            auth: self.auth.as_deref().cloned(),
            ..RequestInfo::default()
        }
    }
}

/// Whether two tokens belong to one record; what the record says may have changed in between.
fn is_same(a: &AuthRecord, b: &AuthRecord) -> bool {
    (a.collection_id(), a.id(), a.origin()) == (b.collection_id(), b.id(), b.origin())
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}
