//! What a client wants to hear of: `posts/*`, `posts/RECORD_ID?options={…}`.

use crate::fields_filter::FieldsFilter;
use gate_records::records::{Interest, Record};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One subscription.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Topic {
    /// As it was subscribed to, options and all: what its events are called.
    pub(super) text: String,
    /// The name or id of a collection.
    collection: String,
    /// The id of a record; `None` for all of them.
    record: Option<String>,
    /// The query of the request its rule sees.
    pub(super) query: BTreeMap<String, String>,
    /// The headers of that request, by their names in snake case.
    pub(super) headers: BTreeMap<String, String>,
    /// What is shown of the record.
    pub(super) fields: Option<FieldsFilter>,
}

/// `?options=`, as the SDKs encode it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    query: BTreeMap<String, Value>,
    headers: BTreeMap<String, Value>,
}

impl Topic {
    /// Reads a topic. Options that cannot be read are none, as PocketBase has it.
    pub(super) fn parse(text: &str) -> Self {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let (collection, record) = path.split_once('/').unwrap_or((path, "*"));
        let options = Options::of(query);
        let query: BTreeMap<_, _> = texts(options.query, str::to_owned);
        let fields = query.get("fields").and_then(|fields| FieldsFilter::parse(fields).ok()).flatten();
        Topic {
            text: text.to_owned(),
            collection: collection.to_owned(),
            record: (record != "*").then(|| record.to_owned()),
            headers: texts(options.headers, |name| name.to_ascii_lowercase().replace('-', "_")),
            query,
            fields,
        }
    }

    /// Which of the rules counts: the view rule for one record, the list rule for all of them.
    pub(super) fn interest(&self) -> Interest {
        if self.record.is_some() { Interest::One } else { Interest::All }
    }

    /// The filter of its options, besides the rule.
    pub(super) fn filter(&self) -> Option<&str> {
        self.query.get("filter").map(String::as_str).filter(|filter| !filter.is_empty())
    }

    /// Whether it is no record but the status of the proxies: `@gateway/status`.
    pub(super) fn is_status(&self) -> bool {
        self.collection == "@gateway" && self.record.as_deref() == Some("status")
    }

    /// Whether a record is one of those it is about.
    pub(super) fn is_about(&self, record: &Record) -> bool {
        let collection = record.collection();
        (self.collection == collection.name || self.collection == collection.id)
            && self.record.as_deref().is_none_or(|id| id == record.id())
    }
}

impl Options {
    fn of(query: &str) -> Self {
        let mut parameters = form_urlencoded::parse(query.as_bytes());
        let options = parameters.find(|(name, _)| name == "options");
        options.and_then(|(_, json)| serde_json::from_str(&json).ok()).unwrap_or_default()
    }
}

fn texts(values: BTreeMap<String, Value>, named: impl Fn(&str) -> String) -> BTreeMap<String, String> {
    let text = |value| match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    };
    values.into_iter().map(|(name, value)| (named(&name), text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_names_a_collection_and_perhaps_a_record() {
        for (text, record) in [("users/*", None), ("users", None), ("users/abc", Some("abc"))] {
            let topic = Topic::parse(text);
            assert_eq!((topic.collection.as_str(), topic.record.as_deref()), ("users", record), "{text}");
            let interest = if record.is_some() { Interest::One } else { Interest::All };
            assert_eq!(topic.interest(), interest);
        }
    }

    #[test]
    fn options_are_a_request_of_their_own() {
        let text = "users/*?options=%7B%22query%22%3A%7B%22filter%22%3A%22a%3D1%22%2C%22fields%22%3A%22id%22%2C%22n%22%3A5%7D\
                    %2C%22headers%22%3A%7B%22X-Token%22%3A%22t%22%7D%7D";
        let topic = Topic::parse(text);
        assert_eq!((topic.text.as_str(), topic.filter()), (text, Some("a=1")));
        assert_eq!(topic.query["n"], "5");
        assert_eq!(topic.headers["x_token"], "t");
        assert!(topic.fields.is_some());
    }

    #[test]
    fn options_that_cannot_be_read_are_none() {
        for text in ["users/*?options=%7B", "users/*?options=[]", "users/*?other=1", "users/*?"] {
            assert_eq!(Topic::parse(text).filter(), None, "{text}");
        }
    }
}
