//! What a client wants to hear of: `posts/*`, `posts/RECORD_ID?options={…}`.

use crate::fields_filter::FieldsFilter;
use gate_records::collections::Collection;
use gate_records::records::{Filter, Interest, Record, RequestInfo, Seen};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One subscription.
#[derive(Debug)]
pub(super) struct Topic {
    /// As it was subscribed to, options and all: what its events are called.
    pub(super) text: String,
    /// Its collection, if there is such a one.
    collection: Option<&'static Collection>,
    /// The id of a record; `None` for all of them.
    record: Option<String>,
    /// It is about no record but about the status of the proxies: `@gateway/status`.
    pub(super) is_status: bool,
    /// The query of the request its rule sees.
    query: BTreeMap<String, String>,
    /// The headers of that request, by their names in snake case.
    headers: BTreeMap<String, String>,
    /// The filter of its options, besides the rule.
    filter: Option<Filter>,
    /// What is shown of the record.
    fields: Option<FieldsFilter>,
}

/// `?options=`, as the SDKs encode it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    query: BTreeMap<String, Value>,
    headers: BTreeMap<String, Value>,
}

impl Topic {
    /// Reads a topic of somebody. Options that cannot be read are none, as PocketBase has it.
    pub(super) fn parse(text: &str, is_superuser: bool) -> Self {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let (collection, record) = path.split_once('/').unwrap_or((path, "*"));
        let is_status = (collection, record) == ("@gateway", "status");
        let mut all = Collection::all().into_iter();
        let collection = all.find(|known| known.name == collection || known.id == collection);
        let options = Options::of(query);
        let query: BTreeMap<_, _> = texts(options.query, str::to_owned);
        let fields = query.get("fields").and_then(|fields| FieldsFilter::parse(fields).ok()).flatten();
        let filter = query.get("filter").filter(|filter| !filter.is_empty()).zip(collection);
        Topic {
            text: text.to_owned(),
            collection,
            record: (record != "*").then(|| record.to_owned()),
            is_status,
            headers: texts(options.headers, |name| name.to_ascii_lowercase().replace('-', "_")),
            filter: filter.map(|(filter, collection)| Filter::compile(filter, collection, is_superuser)),
            query,
            fields,
        }
    }

    /// Bytes of memory that a topic takes at most.
    pub(super) fn bytes(text: &str) -> usize {
        let options = text.find('?').map_or(0, |position| text.len() - position);
        TOPIC_BYTES + text.len() + options * BYTES_PER_OPTION_BYTE
    }

    /// Whether a record is one of those it is about.
    pub(super) fn is_about(&self, record: &Record) -> bool {
        self.collection.is_some_and(|collection| collection.id == record.collection().id)
            && self.record.as_deref().is_none_or(|id| id == record.id())
    }

    /// What is shown of a change to whoever sends this request; its headers and its query become those of the topic.
    pub(super) fn shown(&self, seen: &Seen<'_>, request: &mut RequestInfo) -> Option<Value> {
        request.headers.clone_from(&self.headers);
        request.query.clone_from(&self.query);
        let record: Map<_, _> = seen.by(request, self.interest(), self.filter.as_ref())?;
        let mut record = Value::Object(record);
        if let Some(fields) = &self.fields {
            fields.apply(&mut record);
        }
        Some(record)
    }

    /// Which of the rules counts: the view rule for one record, the list rule for all of them.
    fn interest(&self) -> Interest {
        if self.record.is_some() { Interest::One } else { Interest::All }
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

/// Of a topic without options, beside its text.
const TOPIC_BYTES: usize = 512;
/// Of a byte of options, once read: the shortest comparisons of a filter are five bytes, names of fields and of
/// parameters two or three, and what is made of each of them is in the end a hundred or two.
const BYTES_PER_OPTION_BYTE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_names_a_collection_and_perhaps_a_record() {
        for (text, record) in
            [("users/*", None), ("users", None), ("_pb_users_auth_/*", None), ("users/abc", Some("abc"))]
        {
            let topic = Topic::parse(text, false);
            let collection = topic.collection.unwrap().name;
            assert_eq!((collection, topic.record.as_deref()), ("users", record), "{text}");
            let interest = if record.is_some() { Interest::One } else { Interest::All };
            assert_eq!(topic.interest(), interest);
        }
        assert!(Topic::parse("posts/*", false).collection.is_none());
        assert!(Topic::parse("@gateway/status", false).is_status);
    }

    #[test]
    fn options_are_a_request_of_their_own() {
        let text = "users/*?options=%7B%22query%22%3A%7B%22filter%22%3A%22name%3D1%22%2C%22fields%22%3A%22id%22%2C%22n%22%3A5%7D\
                    %2C%22headers%22%3A%7B%22X-Token%22%3A%22t%22%7D%7D";
        let topic = Topic::parse(text, false);
        assert_eq!((topic.text.as_str(), topic.query["filter"].as_str()), (text, "name=1"));
        assert_eq!(topic.query["n"], "5");
        assert_eq!(topic.headers["x_token"], "t");
        assert!(topic.fields.is_some() && topic.filter.is_some());
    }

    #[test]
    fn options_that_cannot_be_read_are_none() {
        for text in ["users/*?options=%7B", "users/*?options=[]", "users/*?other=1", "users/*?"] {
            assert!(Topic::parse(text, false).filter.is_none(), "{text}");
        }
    }
}
