//! What those who listen see of a change.

use super::access::{Access, Asked, compile};
use super::change::RecordChange;
use super::record::Record;
use super::request::RequestInfo;
use crate::collections::Collection;
use gate_rules::Rule;
use serde_json::{Map, Value};

/// What somebody listens for, which says whose rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// One record: its view rule.
    One,
    /// Every record of a collection: the list rule.
    All,
}

/// A change, and who may see it: the rules of its collection, compiled once for all who listen.
#[derive(Debug)]
pub struct Seen<'a> {
    record: &'a Record,
    /// `None` for superusers alone.
    view: Option<Access>,
    /// Same.
    list: Option<Access>,
}

/// The filter of somebody who listens, compiled once for all changes.
#[derive(Debug)]
pub struct Filter {
    /// `None` when it cannot be read: it lets nothing through.
    rule: Option<Rule>,
    /// It may name hidden fields, so nobody else is shown what it lets through.
    is_superusers: bool,
}

impl<'a> Seen<'a> {
    /// What is changed: a deleted record as it was.
    pub fn record(&self) -> &'a Record {
        self.record
    }

    /// The record as a listener may see it; `None` when a rule or their own filter keeps it from them. A deleted record
    /// is judged as it was (contract §1.9).
    pub fn by(
        &self,
        request: &RequestInfo,
        interest: Interest,
        filter: Option<&Filter>,
    ) -> Option<Map<String, Value>> {
        let access = match interest {
            Interest::One => &self.view,
            Interest::All => &self.list,
        };
        let may_see = request.is_superuser()
            || access.as_ref().is_some_and(|access| access.allows(request, self.record));
        let is_wanted = || filter.is_none_or(|filter| filter.lets_through(request, self.record));
        let visibility = || self.record.collection().visibility(request, self.record);
        (may_see && is_wanted()).then(|| self.record.to_json(visibility()))
    }
}

impl Filter {
    /// Reads a filter over a collection. `is_superuser`: by whom it is; only theirs may name hidden fields.
    pub fn compile(text: &str, collection: &Collection, is_superuser: bool) -> Self {
        Filter { rule: compile(text, collection, is_superuser).ok(), is_superusers: is_superuser }
    }

    fn lets_through(&self, request: &RequestInfo, record: &Record) -> bool {
        let Some(rule) = &self.rule else { return false };
        (!self.is_superusers || request.is_superuser()) && rule.evaluate(&Asked::about(request, Some(record)))
    }
}

impl RecordChange {
    /// The change as those who listen may see it.
    pub fn seen(&self) -> Option<Seen<'_>> {
        let record = self.record()?;
        let collection = record.collection();
        let access = |rule| Access::of_others(rule, collection).ok();
        Some(Seen { record, view: access(collection.rules.view), list: access(collection.rules.list) })
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
    use crate::collections::{PROXIES, SUPERUSERS, USERS};
    use crate::records::AuthRecord;
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

    fn shown_to(
        change: &RecordChange,
        request: &RequestInfo,
        interest: Interest,
        filter: Option<&str>,
    ) -> Option<Map<String, Value>> {
        let seen = change.seen().unwrap();
        let collection = seen.record().collection();
        let filter = filter.map(|filter| Filter::compile(filter, collection, request.is_superuser()));
        seen.by(request, interest, filter.as_ref())
    }

    #[test]
    fn a_rule_and_a_filter_have_to_let_somebody_see_it() {
        let (mine, other) = (user("aaaaaaaaaaaaaaa", "1"), user("bbbbbbbbbbbbbbb", "2"));
        let change = RecordChange { before: None, after: Some(mine.clone()) };
        for interest in [Interest::One, Interest::All] {
            let shown = shown_to(&change, &asked_by(&mine), interest, None).unwrap();
            assert_eq!(shown["email"], json!("a@b.co"));
            assert_eq!(shown_to(&change, &asked_by(&other), interest, None), None);
            assert_eq!(shown_to(&change, &RequestInfo::default(), interest, None), None);
        }
        let filtered = |filter| shown_to(&change, &asked_by(&mine), Interest::All, Some(filter)).is_some();
        assert!(filtered("name = 'n'"));
        assert!(!filtered("name = 'x'"));
        assert!(!filtered("name ="), "a filter that cannot be read lets nothing through");
        assert!(!filtered("tokenKey = '1'"));
    }

    #[test]
    fn what_is_for_superusers_is_shown_to_nobody_else() {
        let change = RecordChange { before: None, after: Some(Record::new(&PROXIES)) };
        let user = asked_by(&user("aaaaaaaaaaaaaaa", "1"));
        assert_eq!(shown_to(&change, &user, Interest::All, None), None);
        assert!(shown_to(&change, &asked_by(&Record::new(&SUPERUSERS)), Interest::All, None).is_some());
    }

    #[test]
    fn a_filter_of_a_superuser_lets_nothing_through_to_whoever_is_none_any_more() {
        let mine = user("aaaaaaaaaaaaaaa", "1");
        let change = RecordChange { before: None, after: Some(mine.clone()) };
        let seen = change.seen().unwrap();
        let by = |is_superuser| {
            let filter = Filter::compile("name = 'n'", &USERS, is_superuser);
            seen.by(&asked_by(&mine), Interest::All, Some(&filter)).is_some()
        };
        assert!(by(false));
        assert!(!by(true));
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
