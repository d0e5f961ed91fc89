//! `GET /api/collections`.

use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::list::{List, ListParameters};
use gate_records::collections::Collection;
use gate_rules::{Context, FieldKind, Rule, Scope, Value as RuleValue};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::time::SystemTime;

/// Lists the collections.
pub(crate) async fn list(
    _: Superuser,
    parameters: ListParameters,
) -> Result<Json<List<Map<String, Value>>>, ApiError> {
    let mut definitions: Vec<_> = Collection::all().into_iter().map(Collection::to_json).collect();
    if !parameters.filter.is_empty() {
        let filter = Rule::compile(&parameters.filter, &Scope::new(FIELDS))
            .map_err(|error| ApiError::bad_request("").because(error))?;
        definitions.retain(|definition| filter.evaluate(&Definition(definition)));
    }
    sort(&mut definitions, &parameters.sort)?;
    Ok(Json(parameters.page_of(definitions)))
}

/// What collections can be filtered and sorted by.
const FIELDS: &[(&str, FieldKind)] = &[
    ("id", FieldKind::Text),
    ("created", FieldKind::Text),
    ("updated", FieldKind::Text),
    ("name", FieldKind::Text),
    ("system", FieldKind::Bool),
    ("type", FieldKind::Text),
];

/// Sorts by `a,-b`: the first key counts most. `@random` and `@rowid` leave the order as it is.
fn sort(definitions: &mut [Map<String, Value>], keys: &str) -> Result<(), ApiError> {
    for key in keys.split(',').map(str::trim).filter(|key| !key.is_empty()).rev() {
        let (name, descending) = match key.strip_prefix('-') {
            Some(name) => (name, true),
            None => (key.strip_prefix('+').unwrap_or(key), false),
        };
        if matches!(name, "@random" | "@rowid") {
            continue;
        }
        if !FIELDS.iter().any(|(known, _)| *known == name) {
            return Err(ApiError::bad_request("").because(format_args!("unknown sort field {name}")));
        }
        definitions.sort_by(|a, b| {
            let order = compare(a.get(name), b.get(name));
            if descending { order.reverse() } else { order }
        });
    }
    Ok(())
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::String(a)), Some(Value::String(b))) => a.cmp(b),
        (Some(Value::Bool(a)), Some(Value::Bool(b))) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

/// A definition as a filter sees it. It is part of no request: `@request.*` is null.
struct Definition<'a>(&'a Map<String, Value>);

impl Context for Definition<'_> {
    fn method(&self) -> &'static str {
        "GET"
    }

    fn auth(&self, _: &str) -> RuleValue<'_> {
        RuleValue::Null
    }

    fn header(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn query(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn field(&self, name: &str) -> RuleValue<'_> {
        match self.0.get(name) {
            Some(Value::String(text)) => RuleValue::Text(text.into()),
            Some(Value::Bool(flag)) => RuleValue::Bool(*flag),
            _ => RuleValue::Null,
        }
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, request};

    #[track_caller]
    fn names(body: &serde_json::Value) -> Vec<&str> {
        body["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
    }

    #[tokio::test]
    async fn collections_are_filtered_sorted_and_paged() {
        let all = request("GET", "/api/collections", SUPERUSER).await.json();
        assert_eq!(all["totalItems"], 4);
        for (query, expected) in [
            ("sort=name", vec!["_proxies", "_secrets", "_superusers", "users"]),
            ("sort=-type,-name", vec!["_secrets", "_proxies", "users", "_superusers"]),
            ("sort=type,name", vec!["_superusers", "users", "_proxies", "_secrets"]),
            ("filter=type='auth'%26%26system=true", vec!["_superusers"]),
            ("filter=name~'s'&sort=%2Bname&perPage=1&page=2", vec!["_secrets"]),
        ] {
            let page = request("GET", &format!("/api/collections?{query}"), SUPERUSER).await.json();
            assert_eq!(names(&page), expected, "{query}");
        }
    }

    #[tokio::test]
    async fn a_filter_or_sort_key_that_is_none_is_a_generic_400() {
        for query in ["filter=name%3D", "filter=unknown=1", "sort=unknown", "sort=name%20DESC", "page=x"] {
            let answer = request("GET", &format!("/api/collections?{query}"), SUPERUSER).await;
            assert_eq!((answer.status, &answer.json()["data"]), (400, &serde_json::json!({})), "{query}");
        }
    }
}
