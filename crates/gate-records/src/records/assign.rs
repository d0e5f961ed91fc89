//! What a body says about a record.

use super::record::Record;
use crate::collections::{Field, FieldKind};
use crate::json_number;
use serde_json::{Map, Value};

impl Record {
    /// Puts in what a body says: fields by name, `NAME+` and `NAME-` for numbers, `NAME:autogenerate` for texts that can
    /// be made up (contract §1.1).
    ///
    /// Left alone are fields that do not exist, hidden ones unless a superuser asks, and those nobody sets this way:
    /// dates, files, passwords, and the id of a record that is there already.
    pub(super) fn assign(&mut self, body: &Map<String, Value>, is_new: bool, is_superuser: bool) {
        let fields = self.collection().fields.iter();
        for field in fields.filter(|field| is_settable(field, is_new) && (is_superuser || !field.hidden)) {
            if let Some(value) = body.get(field.name) {
                self.set(field.name, value.clone());
            }
            self.modify(field, body);
        }
    }

    fn modify(&mut self, field: &Field, body: &Map<String, Value>) {
        let modifier = |suffix: &str| body.get(&format!("{}{suffix}", field.name));
        match &field.kind {
            FieldKind::Number { .. } => {
                let number = |value: &Value| field.cast(value.clone()).as_f64().unwrap_or_default();
                let added = modifier("+").map(number).unwrap_or_default();
                let taken = modifier("-").map(number).unwrap_or_default();
                if added != 0.0 || taken != 0.0 {
                    self.set(field.name, json_number(number(self.value(field.name)) + added - taken));
                }
            }
            FieldKind::Text { autogenerate: Some(autogenerate), .. } => {
                if let Some(beginning) = modifier(":autogenerate") {
                    let beginning = beginning.as_str().unwrap_or_default();
                    self.set(field.name, format!("{beginning}{}", autogenerate.make()));
                }
            }
            _ => {}
        }
    }
}

fn is_settable(field: &Field, is_new: bool) -> bool {
    match field.kind {
        FieldKind::Autodate { .. } | FieldKind::File | FieldKind::Password => false,
        FieldKind::Text { primary_key: true, .. } => is_new,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::{PROXIES, USERS};
    use serde_json::json;

    fn assigned(mut record: Record, body: Value, is_new: bool, is_superuser: bool) -> Record {
        let Value::Object(body) = body else { panic!("an object") };
        record.assign(&body, is_new, is_superuser);
        record
    }

    #[test]
    fn numbers_are_counted_up_and_down() {
        let mut proxy = Record::new(&PROXIES);
        proxy.set("maxConcurrent", 5);
        let after =
            assigned(proxy, json!({"maxConcurrent+": "3", "maxConcurrent-": 1, "timeout+": 2}), false, true);
        assert_eq!((after.value("maxConcurrent"), after.value("timeout")), (&json!(7), &json!(2)));
    }

    #[test]
    fn mass_assignment_reaches_neither_hidden_fields_nor_dates() {
        let body = json!({
            "name": "a", "tokenKey": "t", "tokenKey:autogenerate": "", "password": "p", "created": "c", "updated": "u",
            "collectionId": "x", "avatar": "x.png", "unknown": 1,
        });
        let after = assigned(Record::new(&USERS), body, true, false);
        assert_eq!(after.text("name"), "a");
        for field in ["tokenKey", "password", "created", "updated", "avatar"] {
            assert_eq!(after.text(field), "", "{field}");
        }
    }

    #[test]
    fn a_token_key_is_made_up_for_superusers() {
        let after = assigned(Record::new(&USERS), json!({"tokenKey:autogenerate": ""}), false, true);
        assert_eq!(after.text("tokenKey").len(), 50);
    }

    #[test]
    fn an_id_is_set_only_when_the_record_is_new() {
        let body = json!({"id": "abcdefghij01234"});
        assert_eq!(assigned(Record::new(&USERS), body.clone(), true, false).id(), "abcdefghij01234");
        assert_eq!(assigned(Record::new(&USERS), body, false, true).id(), "");
    }
}
