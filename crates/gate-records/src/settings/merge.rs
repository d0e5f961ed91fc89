//! Puts a part of a document over the whole.

use serde_json::{Map, Value};

/// Members that are objects on both sides are merged; everything else, arrays too, is replaced.
pub(super) fn merge(document: &mut Map<String, Value>, part: Map<String, Value>) {
    for (name, value) in part {
        match (document.get_mut(&name), value) {
            (Some(Value::Object(below)), Value::Object(part)) => merge(below, part),
            (_, value) => {
                document.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_are_merged_and_arrays_replaced() {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let mut document = object(json!({"a": {"b": 1, "c": [1, 2], "d": {"e": 1}}, "f": 1}));
        merge(&mut document, object(json!({"a": {"c": [3], "d": {"g": null}}, "f": {"h": 1}})));
        let expected = json!({"a": {"b": 1, "c": [3], "d": {"e": 1, "g": null}}, "f": {"h": 1}});
        assert_eq!(Value::Object(document), expected);
    }
}
