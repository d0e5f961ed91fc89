//! What somebody who listens sees of a change.

use super::access::{Access, Asked, compile};
use super::change::RecordChange;
use super::request::RequestInfo;
use serde_json::{Map, Value};

/// What somebody listens for, which says whose rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// One record: its view rule.
    One,
    /// Every record of a collection: the list rule.
    All,
}

impl RecordChange {
    /// The record as a listener may see it; `None` when a rule or their own filter keeps it from them. A deleted record
    /// is judged as it was (contract §1.9).
    pub fn shown_to(
        &self,
        request: &RequestInfo,
        interest: Interest,
        filter: Option<&str>,
    ) -> Option<Map<String, Value>> {
        let record = self.record()?;
        let collection = record.collection();
        let rule = match interest {
            Interest::One => collection.rules.view,
            Interest::All => collection.rules.list,
        };
        if !Access::of(rule, collection, request).ok()?.allows(request, record) {
            return None;
        }
        if let Some(filter) = filter {
            let filter = compile(filter, collection, request.is_superuser()).ok()?;
            filter.evaluate(&Asked::about(request, Some(record))).then_some(())?;
        }
        Some(record.to_json(collection.visibility(request, record)))
    }

    /// Whether every token of the record is worth nothing any more: it has another token key, or is gone.
    pub fn revokes_tokens(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), None) => before.collection().is_auth(),
            (Some(before), Some(after)) => before.value("tokenKey") != after.value("tokenKey"),
            (None, _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::{PROXIES, USERS};
    use crate::records::{AuthRecord, Record};
    use serde_json::json;

    fn user(id: &str, token_key: &str) -> Record {
        let mut user = Record::new(&USERS);
        for (field, value) in [("id", id), ("tokenKey", token_key), ("name", "n"), ("email", "a@b.co")] {
            user.set(field, value);
        }
        user
    }

    fn asked_by(record: &Record) -> RequestInfo {
        RequestInfo { auth: Some(AuthRecord::local(record)), ..RequestInfo::default() }
    }

    #[test]
    fn a_rule_and_a_filter_have_to_let_somebody_see_it() {
        let (mine, other) = (user("aaaaaaaaaaaaaaa", "1"), user("bbbbbbbbbbbbbbb", "2"));
        let change = RecordChange { before: None, after: Some(mine.clone()) };
        for interest in [Interest::One, Interest::All] {
            let shown = change.shown_to(&asked_by(&mine), interest, None).unwrap();
            assert_eq!(shown["email"], json!("a@b.co"));
            assert_eq!(change.shown_to(&asked_by(&other), interest, None), None);
            assert_eq!(change.shown_to(&RequestInfo::default(), interest, None), None);
        }
        let filtered = |filter| change.shown_to(&asked_by(&mine), Interest::All, Some(filter)).is_some();
        assert!(filtered("name = 'n'"));
        assert!(!filtered("name = 'x'"));
        assert!(!filtered("name ="), "a filter that cannot be read lets nothing through");
        assert!(!filtered("tokenKey = '1'"));
    }

    #[test]
    fn what_is_for_superusers_is_shown_to_nobody_else() {
        let change = RecordChange { before: None, after: Some(Record::new(&PROXIES)) };
        assert_eq!(change.shown_to(&asked_by(&user("aaaaaaaaaaaaaaa", "1")), Interest::All, None), None);
    }

    #[test]
    fn a_new_token_key_and_a_deletion_revoke_tokens() {
        let (old, new) = (user("aaaaaaaaaaaaaaa", "1"), user("aaaaaaaaaaaaaaa", "2"));
        let revokes = |before: Option<&Record>, after: Option<&Record>| {
            RecordChange { before: before.cloned(), after: after.cloned() }.revokes_tokens()
        };
        assert!(revokes(Some(&old), Some(&new)));
        assert!(revokes(Some(&old), None));
        assert!(!revokes(Some(&old), Some(&old)));
        assert!(!revokes(None, Some(&new)));
        assert!(!revokes(Some(&Record::new(&PROXIES)), None));
    }
}
