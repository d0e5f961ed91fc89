//! Takes what is not wanted out of a JSON value.

use super::parse::{FieldsFilter, Wanted};
use serde_json::{Map, Value};

impl FieldsFilter {
    /// Keeps what is wanted. Of a list, the members about the page stay and the filter is for its items.
    pub(crate) fn apply(&self, value: &mut Value) {
        let wanted: Vec<_> = self.0.iter().map(|wanted| Remaining { wanted, depth: 0 }).collect();
        match value {
            Value::Object(members) if is_list(members) => {
                if let Some(items) = members.get_mut("items") {
                    pick(items, &wanted);
                }
            }
            value => pick(value, &wanted),
        }
    }
}

/// A wanted field as seen from below the top.
#[derive(Clone, Copy)]
struct Remaining<'a> {
    wanted: &'a Wanted,
    /// How many names of its path lie above.
    depth: usize,
}

impl Remaining<'_> {
    /// Whether a member of this level is on the way to the field or is the field.
    fn leads_to(&self, member: &str) -> bool {
        self.wanted.path.get(self.depth).is_some_and(|name| name == member)
    }

    fn is_every_member(&self) -> bool {
        self.wanted.path.get(self.depth).is_some_and(|name| name == "*")
    }

    /// Whether nothing of the path is left below this level's member.
    fn ends_here(&self) -> bool {
        self.depth + 1 == self.wanted.path.len()
    }
}

fn pick(value: &mut Value, wanted: &[Remaining<'_>]) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| pick(value, wanted)),
        Value::Object(members) => members.retain(|name, member| keep(name, member, wanted)),
        _ => {}
    }
}

/// Whether a member stays; if it does, what is not wanted of it is taken out. `*` stands for what is not named.
fn keep(name: &str, member: &mut Value, wanted: &[Remaining<'_>]) -> bool {
    let mut matching: Vec<_> = wanted.iter().filter(|remaining| remaining.leads_to(name)).copied().collect();
    if matching.is_empty() {
        matching.extend(wanted.iter().find(|remaining| remaining.is_every_member()));
    }
    if let Some(whole) = matching.iter().find(|remaining| remaining.ends_here()) {
        if let (Some(excerpt), Value::String(text)) = (whole.wanted.excerpt, &mut *member) {
            *text = excerpt.of(text);
        }
        return true;
    }
    let below: Vec<_> =
        matching.iter().map(|remaining| Remaining { depth: remaining.depth + 1, ..*remaining }).collect();
    pick(member, &below);
    !below.is_empty()
}

fn is_list(members: &Map<String, Value>) -> bool {
    ["items", "page", "perPage", "totalItems", "totalPages"].iter().all(|name| members.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "reads better at the calls")]
    fn check(fields: &str, mut value: Value, expected: Value) {
        FieldsFilter::parse(fields).unwrap().unwrap().apply(&mut value);
        assert_eq!(value, expected, "{fields}");
    }

    fn record() -> Value {
        json!({"id": "1", "name": "a long name", "meta": {"x": 1, "y": {"z": 2, "w": 3}}, "tags": [{"k": 1, "v": 2}]})
    }

    #[test]
    fn named_members_stay() {
        check("id", record(), json!({"id": "1"}));
        check(" id , name ,,unknown", record(), json!({"id": "1", "name": "a long name"}));
        check("Id", record(), json!({}));
    }

    #[test]
    fn paths_reach_into_objects_and_arrays() {
        check("meta.y.z", record(), json!({"meta": {"y": {"z": 2}}}));
        check(
            "meta.x,meta.y.w,tags.v",
            record(),
            json!({"meta": {"x": 1, "y": {"w": 3}}, "tags": [{"v": 2}]}),
        );
        check("meta,meta.x", record(), json!({"meta": {"x": 1, "y": {"z": 2, "w": 3}}}));
    }

    #[test]
    fn a_star_is_every_member_that_is_not_named() {
        check("*", record(), record());
        let expected = json!({"id": "1", "name": "a long...", "meta": {"x": 1}, "tags": [{"k": 1, "v": 2}]});
        check("*,name:excerpt(6,true),meta.x", record(), expected);
        check("meta.*", record(), json!({"meta": {"x": 1, "y": {"z": 2, "w": 3}}}));
    }

    #[test]
    fn of_a_list_the_items_are_filtered() {
        let page = json!({"page": 1, "perPage": 30, "totalItems": 2, "totalPages": 1, "items": [record(), record()]});
        let expected = json!({"page": 1, "perPage": 30, "totalItems": 2, "totalPages": 1, "items": [{"id": "1"}, {"id": "1"}]});
        check("id", page, expected);
        check("id", json!([record()]), json!([{"id": "1"}]));
        check("items", json!({"items": [1], "page": 1}), json!({"items": [1]}));
    }
}
