//! Eight records, a caller and a guest: what every case is asked about.

use gate_rules::{Context, FieldKind, Scope, Value};
use serde_json::json;
use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The columns of the records.
pub(crate) const FIELDS: [(&str, FieldKind); 6] = [
    ("t", FieldKind::Text),
    ("u", FieldKind::Text),
    ("n", FieldKind::Number),
    ("b", FieldKind::Bool),
    ("j", FieldKind::Json),
    ("m", FieldKind::Multiple),
];

pub(crate) const SCOPE: Scope<'static> = Scope::new(&FIELDS);

/// One record; `None` is null.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) id: char,
    pub(crate) t: Option<&'static str>,
    pub(crate) u: Option<&'static str>,
    pub(crate) n: Option<f64>,
    pub(crate) b: Option<bool>,
    pub(crate) j: Option<&'static str>,
    pub(crate) m: Option<&'static str>,
}

pub(crate) const RECORDS: [Record; 8] = [
    Record {
        id: 'a',
        t: Some("alpha"),
        u: Some("Alpha"),
        n: Some(5.0),
        b: Some(true),
        j: Some(r#"{"s":"x","n":5,"list":["p","q"],"flag":true,"nil":null}"#),
        m: Some(r#"["red","green"]"#),
    },
    Record {
        id: 'b',
        t: Some(""),
        u: Some(""),
        n: Some(0.0),
        b: Some(false),
        j: Some("null"),
        m: Some("[]"),
    },
    Record { id: 'c', t: None, u: None, n: None, b: None, j: None, m: None },
    Record {
        id: 'd',
        t: Some("5"),
        u: Some("5.0"),
        n: Some(5.5),
        b: Some(true),
        j: Some(r#""text""#),
        m: Some(r#"["5"]"#),
    },
    Record {
        id: 'e',
        t: Some("50%"),
        u: Some("a_c"),
        n: Some(-3.0),
        b: Some(false),
        j: Some("5"),
        m: Some(r#"["red"]"#),
    },
    Record {
        id: 'f',
        t: Some("Ünïcode"),
        u: Some("éa"),
        n: Some(1_000_000.0),
        b: Some(true),
        j: Some("[1,2,3]"),
        m: Some(r#"["Red","blue"]"#),
    },
    Record {
        id: 'g',
        t: Some(r"a\b"),
        u: Some("abc"),
        n: Some(0.1),
        b: Some(false),
        j: Some(r#"{"s":"","n":"5"}"#),
        m: Some(r#"["a","a"]"#),
    },
    Record {
        id: 'h',
        t: Some("2024-01-01 00:00:00.000Z"),
        u: Some("2024-01-01"),
        n: Some(12.0),
        b: Some(true),
        j: Some(r#"{"0":"zero","list":[],"s":"X"}"#),
        m: Some(r#"["x y","50%"]"#),
    },
];

/// What a rule is asked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Signed in, with headers, a query and a body.
    User,
    /// No one, with nothing but a method.
    Guest,
}

/// A caller's request about a record.
#[derive(Debug)]
pub(crate) struct World {
    caller: Caller,
    record: Record,
    body: serde_json::Value,
}

impl World {
    pub(crate) fn new(caller: Caller, record: Record) -> Self {
        let body = match caller {
            Caller::Guest => json!({}),
            Caller::User => json!({
                "t": "alpha", "n": 5, "count": 5, "ratio": 2.5, "text": "5", "none": null, "empty": "", "flag": true,
                "tags": ["red", "green"], "no_tags": [], "mixed": [5, "5", null], "deep": {"er": "down"},
            }),
        };
        World { caller, record, body }
    }

    fn of_user<T>(&self, value: Option<T>) -> Option<T> {
        value.filter(|_| self.caller == Caller::User)
    }
}

impl Context for World {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn auth(&self, name: &str) -> Value<'_> {
        let value = match name {
            "id" => "u1".into(),
            "collectionName" => "users".into(),
            "email" => "Me@Example.com".into(),
            "verified" | "active" => true.into(),
            "emailVisibility" => false.into(),
            "role" => "admin".into(),
            "level" => 5.0.into(),
            "ratio" => 2.5.into(),
            "code" => "5".into(),
            "empty" => "".into(),
            "roles" => Value::Json(r#"["staff","ops"]"#.into()),
            "no_roles" => Value::Json("[]".into()),
            "profile" => Value::Json(r#"{"city":"Sofia"}"#.into()),
            "nothing" => Value::Json("null".into()),
            _ => Value::Null,
        };
        self.of_user(Some(value)).unwrap_or(Value::Null)
    }

    fn header(&self, key: &str) -> Option<Cow<'_, str>> {
        let value = match key {
            "x_api_key" => "Secret",
            "x_empty" => "",
            "x_pattern" => "a%",
            "x_rule" => "@request.auth.id != ''",
            "x_nul" => "al\0pha",
            "x_longitude" => "23.32",
            "x_latitude" => "42.69",
            _ => return None,
        };
        self.of_user(Some(value.into()))
    }

    fn query(&self, key: &str) -> Option<Cow<'_, str>> {
        let value = match key {
            "n" => "10",
            "level" => "5",
            "name" => "alpha",
            "percent" => "50%",
            "under" => "a_c",
            "slash" => r"a\b",
            "backslash" => r"\",
            "backslashes" => r"\\",
            "open_escape" => r"%\",
            "empty" => "",
            _ => return None,
        };
        self.of_user(Some(value.into()))
    }

    fn body(&self, path: &str) -> Option<Value<'_>> {
        path.split('.').try_fold(&self.body, |value, key| value.get(key)).map(Value::from)
    }

    fn field(&self, name: &str) -> Value<'_> {
        let record = &self.record;
        let text = |text: Option<&'static str>| text.map_or(Value::Null, Value::from);
        let json = |text: Option<&'static str>| text.map_or(Value::Null, |text| Value::Json(text.into()));
        match name {
            "t" => text(record.t),
            "u" => text(record.u),
            "n" => record.n.map_or(Value::Null, Value::from),
            "b" => record.b.map_or(Value::Null, Value::from),
            "j" => json(record.j),
            "m" => json(record.m),
            _ => Value::Null,
        }
    }

    /// 2024-02-29 13:37:05.042Z, a Thursday.
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(1_709_213_825_042)
    }
}
