//! Answers what the data plane asks about tokens.

use super::identities::{Identities, Identity};
use super::tokens::UnverifiedToken;
use crate::json_number;
use crate::records::{AuthRecord, COLLECTION_ORIGIN};
use gate_rules::Value as RuleValue;
use gate_snapshot::{Answer, IdentityField, Question, Verdict};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{Semaphore, mpsc};

/// Answers what the data plane asks about tokens, several questions at a time, until nobody can ask any more.
///
/// Cancel-safe: a question that was taken and not answered counts as one nobody can answer.
pub async fn answer_questions(mut questions: mpsc::Receiver<Question>, identities: Identities) {
    let running = Arc::new(Semaphore::new(RUNNING_MAX));
    while let Some(Question { token, answer }) = questions.recv().await {
        let Ok(permit) = Arc::clone(&running).acquire_owned().await else { return };
        let identities = identities.clone();
        tokio::spawn(async move {
            // Whoever asked may have gone.
            let _ = answer.send(self::answer(&identities, &token).await);
            drop(permit);
        });
    }
}

async fn answer(identities: &Identities, token: &str) -> Answer {
    // At a time at which none has expired: an expired one is ours all the same.
    if UnverifiedToken::parse(token, SystemTime::UNIX_EPOCH).is_err() {
        return Answer { verdict: Verdict::Foreign, valid_for: FOREIGN_FOR };
    }
    match identities.authenticate(token).await {
        Ok(Some(Identity { record, expires_at })) => Answer {
            verdict: Verdict::Known(Box::new(identity_of(&record))),
            valid_for: expires_at.duration_since(SystemTime::now()).unwrap_or_default(),
        },
        Ok(None) => Answer { verdict: Verdict::Invalid, valid_for: INVALID_FOR },
        Err(_) => Answer { verdict: Verdict::Unavailable, valid_for: Duration::ZERO },
    }
}

/// The record as rules and headers of the data plane see it.
pub fn identity_of(record: &AuthRecord) -> gate_snapshot::Identity {
    let text = |name: &str, text: &str| field(name, &Value::from(text));
    let mut fields: Vec<_> = record.values().map(|(name, value)| field(name, value)).collect();
    fields.push(text("collectionId", record.collection_id()));
    fields.push(text("collectionName", record.collection_name()));
    fields.push(text(COLLECTION_ORIGIN, record.collection_origin()));
    gate_snapshot::Identity::new(record.is_superuser(), fields)
}

fn field(name: &str, value: &Value) -> IdentityField {
    let (rule_value, text) = match value {
        Value::Null => (RuleValue::Null, String::new()),
        Value::Bool(flag) => (RuleValue::Bool(*flag), flag.to_string()),
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            (RuleValue::Number(number), json_number(number).to_string())
        }
        Value::String(text) => (RuleValue::Text(text.clone().into()), text.clone()),
        composite => (RuleValue::Json(composite.to_string().into()), composite.to_string()),
    };
    IdentityField { name: name.into(), value: rule_value, text: text.into() }
}

/// Enough to keep the database busy, few enough not to keep everybody else from it.
const RUNNING_MAX: usize = 16;
/// A token that was refused may become valid only by a change that nobody hurries for: its record is made, the provider
/// comes back. Short, so that such a change is felt soon.
const INVALID_FOR: Duration = Duration::from_secs(5);
/// What is no token of ours never becomes one.
const FOREIGN_FOR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::SUPERUSERS;
    use serde_json::json;

    #[track_caller]
    fn check(value: &Value, expected_text: &str) {
        assert_eq!(&*field("x", value).text, expected_text, "{value}");
    }

    #[test]
    fn h12_numbers_are_short_and_composites_are_json() {
        check(&json!(1_000_000.0), "1000000");
        check(&json!(0.5), "0.5");
        check(&json!(true), "true");
        check(&json!(null), "");
        check(&json!("a b"), "a b");
        check(&json!(["a", "b"]), r#"["a","b"]"#);
    }

    #[test]
    fn an_identity_has_the_fields_of_its_record_and_its_collection() {
        let Value::Object(values) = json!({"id": "abcdefghij01234", "level": 5}) else { panic!("an object") };
        let identity = identity_of(&AuthRecord::remote(&SUPERUSERS.id, "_superusers", values, false));
        assert!(!identity.is_superuser());
        assert_eq!(identity.text("id"), "abcdefghij01234");
        assert_eq!(identity.value("level"), RuleValue::Number(5.0));
        assert_eq!(identity.text("collectionName"), "_superusers");
        assert_eq!(identity.text("collectionOrigin"), "remote");
    }
}
