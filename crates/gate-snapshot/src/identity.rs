//! Who calls, as the data plane knows it, and how it asks.
//!
//! A worker that meets a token for the first time asks the control plane, and keeps the answer for as long as it says.
//! Tokens that were revoked meanwhile are found by the epoch: it goes up whenever an answer that was given may have
//! become wrong, and an answer of an earlier epoch is asked for again.

use gate_rules::Value;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicU64};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The record a token stands for, with everything rules and headers may ask of it.
pub struct Identity {
    is_superuser: bool,
    /// Collection and id: what tells it apart from every other.
    key: Arc<str>,
    /// The shorter names first, those of one length in their order: hardly any name is compared with one that it is not.
    fields: Vec<IdentityField>,
}

/// One field of an identity.
pub struct IdentityField {
    /// Its name, as it stands behind `@request.auth.`.
    pub name: Box<str>,
    /// What a rule sees; says of which kind the column is.
    pub value: Value<'static>,
    /// What a header gets: a number in its shortest form, JSON for arrays and objects (H12); empty for nothing.
    pub text: Box<str>,
}

/// What is known of a token.
#[derive(Debug)]
pub enum Verdict {
    /// It stands for this record.
    Known(Box<Identity>),
    /// It is one of ours and not valid, or not any more: its bearer is a guest, and it is nobody else's business
    /// (contract D-8).
    Invalid,
    /// It is none of ours.
    Foreign,
    /// Those who would know cannot be asked: it must not be taken for a guest's.
    Unavailable,
}

/// The answer about a token.
#[derive(Debug)]
pub struct Answer {
    /// What is known.
    pub verdict: Verdict,
    /// For how long that can be relied on.
    pub valid_for: Duration,
}

/// A question about a token. Dropped without an answer it counts as [`Verdict::Unavailable`].
pub struct Question {
    /// The token, without `Bearer`.
    pub token: Box<str>,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answer>,
}

/// How workers ask about tokens. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identities {
    questions: mpsc::Sender<Question>,
    epoch: Arc<AtomicU64>,
}

/// More questions are waiting than can be answered in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many tokens wait to be verified")]
pub struct TooManyQuestions;

/// Both ends of the questions: the workers', and the control plane's. `epoch` goes up when an answer may have become
/// wrong.
pub fn identities(epoch: Arc<AtomicU64>) -> (Identities, mpsc::Receiver<Question>) {
    let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
    (Identities { questions, epoch }, asked)
}

impl Identity {
    /// An identity with these fields.
    pub fn new(is_superuser: bool, mut fields: Vec<IdentityField>) -> Self {
        fields.sort_unstable_by(|a, b| by_length(&a.name, &b.name));
        let mut identity = Identity { is_superuser, key: "".into(), fields };
        identity.key = format!("{}/{}", identity.text("collectionId"), identity.text("id")).into();
        identity
    }

    /// What tells it apart from every other: collection and id.
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// Whether it passes every rule but `false`.
    pub fn is_superuser(&self) -> bool {
        self.is_superuser
    }

    /// What a rule sees of a field; null for one it does not have.
    pub fn value(&self, name: &str) -> Value<'_> {
        self.field(name).map_or(Value::Null, |field| borrowed(&field.value))
    }

    /// What a header gets of a field; empty for one it does not have.
    pub fn text(&self, name: &str) -> &str {
        self.field(name).map_or("", |field| &field.text)
    }

    fn field(&self, name: &str) -> Option<&IdentityField> {
        let place = self.fields.binary_search_by(|field| by_length(&field.name, name)).ok()?;
        self.fields.get(place)
    }
}

fn by_length(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl Identities {
    /// Asks about a token. The answer may take a while: passwords' owners wait in the same queue.
    ///
    /// # Errors
    /// Too many are asking already.
    pub fn ask(&self, token: Box<str>) -> Result<oneshot::Receiver<Answer>, TooManyQuestions> {
        let (answer, answered) = oneshot::channel();
        self.questions.try_send(Question { token, answer }).map_err(|_| TooManyQuestions)?;
        Ok(answered)
    }

    /// Answers of another epoch than this one are to be asked for again. Taken before a question, kept with its answer.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(atomic::Ordering::Acquire)
    }
}

/// Shows nothing of the person.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("is_superuser", &self.is_superuser).finish_non_exhaustive()
    }
}

fn borrowed<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Null => Value::Null,
        Value::Bool(flag) => Value::Bool(*flag),
        Value::Number(number) => Value::Number(*number),
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        Value::Json(text) => Value::Json(Cow::Borrowed(text)),
    }
}

/// A token is verified in tens of microseconds: more than this many in the queue are an attack or a database that is
/// away, and waiting would help neither.
const QUESTIONS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: Value<'static>, text: &str) -> IdentityField {
        IdentityField { name: name.into(), value, text: text.into() }
    }

    #[test]
    fn fields_are_found_by_name_and_others_are_nothing() {
        let identity = Identity::new(
            false,
            vec![
                field("verified", Value::Bool(true), "true"),
                field("username", Value::from("b"), "b"),
                field("id", Value::from("a"), "a"),
            ],
        );
        assert_eq!((identity.value("id"), identity.text("id")), (Value::from("a"), "a"));
        assert_eq!((identity.value("verified"), identity.text("verified")), (Value::Bool(true), "true"));
        assert_eq!((identity.value("username"), identity.text("username")), (Value::from("b"), "b"));
        assert_eq!((identity.value("role"), identity.text("role")), (Value::Null, ""));
    }

    #[test]
    fn who_asks_too_much_is_told() {
        let (identities, _asked) = identities(Arc::default());
        let waiting: Vec<_> = (0..QUESTIONS_MAX).map(|_| identities.ask("t".into()).unwrap()).collect();
        assert_eq!(identities.ask("t".into()).err(), Some(TooManyQuestions));
        drop(waiting);
    }
}
