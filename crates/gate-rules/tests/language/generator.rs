//! Rules, records and requests made by chance, from values that conversions and patterns stumble over.

use crate::world::Record;
use gate_rules::{Context, Value};
use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Decides what is made: a number below `count`, which is not 0.
pub(crate) trait Choice {
    fn below(&mut self, count: usize) -> usize;
}

/// A request whose values were made by chance.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    texts: [Option<&'static str>; 3],
    number: f64,
    flag: bool,
    json: &'static str,
}

impl Request {
    pub(crate) fn make(choice: &mut dyn Choice) -> Self {
        Request {
            texts: [(); 3].map(|()| maybe(choice, &TEXTS)),
            number: one(choice, &NUMBERS),
            flag: choice.below(2) == 0,
            json: one(choice, &JSON),
        }
    }
}

pub(crate) fn record(choice: &mut dyn Choice, id: char) -> Record {
    Record {
        id,
        t: maybe(choice, &TEXTS),
        u: maybe(choice, &TEXTS),
        n: maybe(choice, &NUMBERS),
        b: maybe(choice, &[true, false]),
        j: maybe(choice, &JSON),
        m: maybe(choice, &ARRAYS),
    }
}

/// One to four comparisons and what joins them.
pub(crate) fn rule(choice: &mut dyn Choice) -> String {
    let mut rule = comparison(choice);
    for _ in 0..choice.below(4) {
        let (next, join) = (comparison(choice), one(choice, &["&&", "||"]));
        rule = match choice.below(3) {
            0 => format!("({rule}) {join} {next}"),
            1 => format!("{next} {join} ({rule})"),
            _ => format!("{rule} {join} {next}"),
        };
    }
    rule
}

/// A request about one record.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a Request,
    pub(crate) record: &'a Record,
}

impl Asked<'_> {
    fn text(&self, key: &str) -> Option<&'static str> {
        let place = ["a", "b", "c"].iter().position(|name| *name == key)?;
        self.request.texts[place]
    }
}

impl Context for Asked<'_> {
    fn method(&self) -> &'static str {
        "GET"
    }

    fn auth(&self, name: &str) -> Value<'_> {
        match name {
            "number" => self.request.number.into(),
            "flag" | "verified" => self.request.flag.into(),
            "json" => Value::Json(self.request.json.into()),
            "id" => self.text("a").map_or(Value::Null, Value::from),
            _ => self.text(name).map_or(Value::Null, Value::from),
        }
    }

    fn header(&self, key: &str) -> Option<Cow<'_, str>> {
        self.text(key).map(Cow::Borrowed)
    }

    fn query(&self, key: &str) -> Option<Cow<'_, str>> {
        self.text(key).map(Cow::Borrowed)
    }

    fn body(&self, path: &str) -> Option<Value<'_>> {
        match path {
            "n" => Some(self.request.number.into()),
            "flag" => Some(self.request.flag.into()),
            "list" => Some(Value::Json(self.request.json.into())),
            "t" => self.text("a").map(Value::from),
            _ => None,
        }
    }

    fn field(&self, name: &str) -> Value<'_> {
        let text = |text: Option<&'static str>| text.map_or(Value::Null, Value::from);
        let json = |text: Option<&'static str>| text.map_or(Value::Null, |text| Value::Json(text.into()));
        match name {
            "t" => text(self.record.t),
            "u" => text(self.record.u),
            "n" => self.record.n.map_or(Value::Null, Value::from),
            "b" => self.record.b.map_or(Value::Null, Value::from),
            "j" => json(self.record.j),
            _ => json(self.record.m),
        }
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }
}

fn comparison(choice: &mut dyn Choice) -> String {
    let field = one(choice, &FIELDS).to_string();
    let other = match choice.below(3) {
        0 => one(choice, &FIELDS).to_string(),
        1 => one(choice, &REQUEST).to_string(),
        _ => literal(choice),
    };
    let operator = one(choice, &OPERATORS);
    if choice.below(2) == 0 {
        format!("{field} {operator} {other}")
    } else {
        format!("{other} {operator} {field}")
    }
}

/// No quoted text ends in a backslash.
fn literal(choice: &mut dyn Choice) -> String {
    match choice.below(4) {
        0 => one(choice, &["null", "true", "false"]).to_string(),
        1 => one(choice, &["0", "1", "5", "5.5", "-3", "0.1", "1000000", "3"]).to_string(),
        _ => match one(choice, &TEXTS) {
            text if text.ends_with('\\') => "''".to_owned(),
            text => format!("'{}'", text.replace('\'', "\\'")),
        },
    }
}

fn one<T: Copy>(choice: &mut dyn Choice, values: &[T]) -> T {
    values[choice.below(values.len())]
}

fn maybe<T: Copy>(choice: &mut dyn Choice, values: &[T]) -> Option<T> {
    (choice.below(8) > 0).then(|| one(choice, values))
}

const OPERATORS: [&str; 16] =
    ["=", "!=", "<", "<=", ">", ">=", "~", "!~", "?=", "?!=", "?<", "?<=", "?>", "?>=", "?~", "?!~"];

const FIELDS: [&str; 19] = [
    "t",
    "t",
    "u",
    "n",
    "n",
    "b",
    "j",
    "j.s",
    "j.n",
    "j.0",
    "j.list.1",
    "m",
    "t:lower",
    "n:lower",
    "j.s:lower",
    "m:length",
    "m:each",
    "m:each",
    "@request.body.t:changed",
];

const REQUEST: [&str; 17] = [
    "@request.query.a",
    "@request.query.b",
    "@request.headers.c",
    "@request.headers.c:lower",
    "@request.auth.id",
    "@request.auth.a",
    "@request.auth.b:lower",
    "@request.auth.number",
    "@request.auth.flag",
    "@request.auth.verified",
    "@request.auth.json",
    "@request.auth.json:each",
    "@request.auth.none",
    "@request.body.n",
    "@request.body.list:each",
    "@request.body.list:length",
    "@day",
];

const TEXTS: [&str; 32] = [
    "", "a", "A", "b", "ab", "aB", "abc", "é", "É", "5", "5.0", "5.5", " 5 ", "5e0", "+5", "-3", "0.1", ".1",
    "1", "1.0", "0x5", "%", "a%", "%b", "_", "a_c", r"\", r"\%", r"a\b", r"\_", "[1,2]", "日本",
];

const NUMBERS: [f64; 12] = [0.0, -0.0, 1.0, 5.0, 5.5, -3.0, 0.1, 3.0, 1e6, 1.0 / 3.0, 14.0, 123_456_789.25];

const JSON: [&str; 16] = [
    "null",
    "true",
    "false",
    "5",
    "0.1",
    r#"{"n":5.0,"list":[0,0.5]}"#,
    r#""5""#,
    r#""a""#,
    r#""""#,
    "[]",
    "{}",
    r#"["a","5",5,null,true]"#,
    r#"{"s":"a","n":5,"list":["x","5"]}"#,
    r#"{"s":"aB","n":"5","list":[]}"#,
    r#"{"s":"","n":5.5,"0":1}"#,
    r#"[[1],{"a":1},"é"]"#,
];

const ARRAYS: [&str; 8] = [
    "[]",
    r#"["a"]"#,
    r#"["a","b"]"#,
    r#"["5","a"]"#,
    r#"["A","aB","é"]"#,
    r#"[""]"#,
    "[5,1]",
    r#"["%","a_c"]"#,
];
