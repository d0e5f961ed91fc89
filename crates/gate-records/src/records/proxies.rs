//! What is special about the records of `_proxies`: they pass the same check as an import (contract D-21).

use super::record::Record;
use crate::collections::PROXIES;
use crate::{CheckedProxy, FieldErrors, ProxyRecord};
use serde_json::{Map, Value};

/// What a new proxy has in the fields nobody mentioned (contract D-2).
pub(super) fn defaults(record: &mut Record) {
    fill(record, &ProxyRecord::default());
}

/// Makes sure of a proxy, and brings it into the form in which it is stored.
pub(super) fn check(record: &mut Record) -> Result<CheckedProxy, FieldErrors> {
    let mut proxy = ProxyRecord::default();
    proxy.merge(fields(record))?;
    let checked = proxy.check()?;
    fill(record, checked.record());
    Ok(checked)
}

/// The fields that are a proxy's own.
fn fields(record: &Record) -> Map<String, Value> {
    let own = |name: &str| !matches!(name, "id" | "created" | "updated");
    let values = record.values().iter().filter(|(name, _)| own(name));
    values.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn fill(record: &mut Record, proxy: &ProxyRecord) {
    // Serialised without the fields that say nothing.
    let said = match serde_json::to_value(proxy) {
        Ok(Value::Object(said)) => said,
        _ => Map::new(),
    };
    let own = PROXIES.fields.iter().filter(|field| !matches!(field.name, "id" | "created" | "updated"));
    for field in own {
        record.put(field.name, said.get(field.name).cloned().unwrap_or_else(|| field.kind.zero()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn d2_what_nobody_mentioned_is_active_stripped_and_30_seconds() {
        let mut record = Record::new(&PROXIES);
        defaults(&mut record);
        let said = |name| record.value(name).clone();
        assert_eq!(
            [said("active"), said("stripPath"), said("timeout")],
            [json!(true), json!(true), json!(30)]
        );
        assert_eq!(
            [said("headers"), said("name"), said("forwardAuth")],
            [json!(null), json!(""), json!(false)]
        );
    }

    #[test]
    fn a_checked_proxy_is_in_the_form_in_which_it_is_stored() {
        let mut record = Record::new(&PROXIES);
        defaults(&mut record);
        record.set("path", "/-//openai/");
        record.set("upstream", " https://api.example.com/v1 ");
        record.set("circuitBreaker", json!({"failureThreshold": 3}));
        check(&mut record).unwrap();
        assert_eq!(record.text("path"), "/-/openai");
        assert_eq!(record.text("upstream"), "https://api.example.com/v1");
        assert_eq!(*record.value("circuitBreaker"), json!({"failure_threshold": 3}));
    }

    #[test]
    fn a_null_rule_of_a_record_is_no_error_of_its_type() {
        let mut record = Record::new(&PROXIES);
        record.set("accessRule", Value::Null);
        let errors = check(&mut record).map(drop).unwrap_err();
        let names: Vec<String> = errors.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["path", "upstream"]);
    }
}
