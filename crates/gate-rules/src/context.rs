//! What a rule can ask about a request and a record.

use crate::Value;
use std::borrow::Cow;
use std::time::SystemTime;

/// What a rule can ask about a request and a record. Every answer is the same for the whole of one evaluation.
pub trait Context {
    /// `@request.method`, in capitals.
    fn method(&self) -> &str;

    /// `@request.context`: `default` in gateway rules (contract D-18).
    #[expect(clippy::unnecessary_literal_bound, reason = "an implementation may have a text of its own")]
    fn context(&self) -> &str {
        "default"
    }

    /// `@request.auth.name`: [`Value::Null`] for guests and for what the collection does not have. The variant says of which
    /// kind the column is, so a JSON column that is null is `Value::Json("null")`.
    fn auth(&self, name: &str) -> Value<'_>;

    /// `@request.headers.key`: the first value of the header whose name in snake case is `key` (`x_api_key`).
    fn header(&self, key: &str) -> Option<Cow<'_, str>>;

    /// `@request.query.key`: the first value, percent-decoded.
    fn query(&self, key: &str) -> Option<Cow<'_, str>>;

    /// `@request.body.path`: `None` if it was not sent. Members of objects are divided by dots.
    fn body(&self, _path: &str) -> Option<Value<'_>> {
        None
    }

    /// A field of the record. Arrays and objects, and everything in a JSON column, are [`Value::Json`].
    fn field(&self, name: &str) -> Value<'_>;

    /// What the macros take for now.
    fn now(&self) -> SystemTime;
}
