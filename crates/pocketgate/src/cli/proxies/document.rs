//! The document that `export` writes and `import` reads.

use super::strict_value::StrictValue;
use crate::failure::Failure;
use clap::ValueEnum;
use gate_records::{FieldErrors, ProxyRecord, Rejected};
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::Path;

/// The form of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Yaml,
    /// For programs
    Json,
}

/// Every proxy of an installation, without what belongs to that installation alone (ids, dates).
#[derive(Serialize)]
pub(super) struct Document {
    version: u64,
    proxies: Vec<ProxyRecord>,
}

/// The only version so far; a reader refuses any other.
const VERSION: u64 = 1;

impl Format {
    /// What a file's name says, or YAML.
    pub(super) fn of(file: Option<&Path>) -> Self {
        let extension = file.and_then(Path::extension).unwrap_or_default();
        if extension.eq_ignore_ascii_case("json") { Format::Json } else { Format::Yaml }
    }
}

impl Document {
    /// A document of these proxies, in the order of their paths.
    pub(super) fn new(mut proxies: Vec<ProxyRecord>) -> Self {
        proxies.sort_by(|a, b| a.path.cmp(&b.path));
        Document { version: VERSION, proxies }
    }

    /// The document's text.
    pub(super) fn write(&self, format: Format) -> Result<String, Failure> {
        let text = match format {
            Format::Yaml => serde_yaml_ng::to_string(self).map_err(|error| error.to_string()),
            Format::Json => {
                serde_json::to_string_pretty(self).map(|text| text + "\n").map_err(|error| error.to_string())
            }
        };
        text.map_err(|error| Failure::other(format_args!("failed to write the document: {error}")))
    }

    /// Reads the proxies of a document, YAML or JSON.
    pub(super) fn read(text: &str) -> Result<Vec<ProxyRecord>, ReadError> {
        let mut document = parse(text)?;
        let version = document.remove("version").ok_or("it has no version")?;
        if version.as_u64() != Some(VERSION) {
            return Err(format!("its version is {version}, this pocketgate knows {VERSION}").into());
        }
        let proxies = document.remove("proxies").ok_or("it has no proxies")?;
        let unknown: Vec<String> = document.into_iter().map(|(key, _)| key).collect();
        if !unknown.is_empty() {
            return Err(format!("it has unknown keys: {}", unknown.join(", ")).into());
        }
        let Value::Array(proxies) = proxies else { return Err("its proxies are not a list".into()) };
        records(proxies)
    }
}

/// Why a document is of no use.
#[derive(Debug)]
pub(super) enum ReadError {
    /// It is not one.
    Malformed(String),
    /// Fields of some proxies do not exist or have another type.
    Rejected(Vec<Rejected>),
}

impl<T: Into<String>> From<T> for ReadError {
    fn from(reason: T) -> Self {
        ReadError::Malformed(reason.into())
    }
}

/// JSON is told by its first character; where it is no JSON, the YAML parser's complaint would not help. Before it, editors
/// put a byte order mark, which is no part of either (RFC 8259, section 8.1; YAML 1.2.2, section 5.2).
fn parse(text: &str) -> Result<Map<String, Value>, ReadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| error.to_string())
    } else {
        serde_yaml_ng::from_str(text).map_err(|error| error.to_string())
    };
    match value? {
        StrictValue(Value::Object(document)) => Ok(document),
        StrictValue(_) => Err("it is not a mapping with version and proxies".into()),
    }
}

fn records(proxies: Vec<Value>) -> Result<Vec<ProxyRecord>, ReadError> {
    let mut records = Vec::with_capacity(proxies.len());
    let mut rejected = Vec::new();
    for (position, proxy) in proxies.into_iter().enumerate() {
        let Value::Object(fields) = proxy else {
            return Err(format!("its proxy number {} is not a mapping of fields", position + 1).into());
        };
        let mut record = ProxyRecord::default();
        if let Err(errors) = record.merge(fields) {
            rejected.push(rejection(position, &record, errors));
        }
        records.push(record);
    }
    if rejected.is_empty() { Ok(records) } else { Err(ReadError::Rejected(rejected)) }
}

fn rejection(position: usize, record: &ProxyRecord, errors: FieldErrors) -> Rejected {
    Rejected { position, path: record.path.clone(), errors }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Records that are stored as they are; texts are all that could mean something in YAML.
    fn records() -> impl Strategy<Value = Vec<ProxyRecord>> {
        let text = prop_oneof![
            "\\PC{0,20}",
            "[yYnN~]|true|null|0x1|1e3|- a|a: b|#|'|\"|\\||>|%|@|`|\\{\\}|\\[|!!str"
        ];
        let headers = prop::collection::btree_map("[A-Za-z]{1,6}", text.clone(), 0..3);
        let one = ("(/[a-c]{1,2}){1,2}", text, headers, 0..1000_u32, any::<[bool; 4]>());
        let one = one.prop_filter_map("not storable", |(path, text, headers, timeout, flags)| {
            let record = ProxyRecord {
                path,
                upstream: "https://upstream".to_owned(),
                name: text.clone(),
                description: text,
                headers: serde_json::to_value(headers).ok()?,
                timeout: f64::from(timeout) / 4.0,
                active: flags[0],
                strip_path: flags[1],
                access_rule: if flags[2] { "true".to_owned() } else { String::new() },
                forward_auth: flags[3],
                ..ProxyRecord::default()
            };
            record.check().ok().map(|proxy| proxy.record().clone())
        });
        prop::collection::vec(one, 0..4)
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_document() {
        for format in [Format::Yaml, Format::Json] {
            let document =
                Document::new(vec![ProxyRecord { path: "/-/a".to_owned(), ..ProxyRecord::default() }]);
            let text = format!("\u{feff}{}", document.write(format).unwrap());
            assert_eq!(Document::read(&text).unwrap(), document.proxies, "{format:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(records in records()) {
            let document = Document::new(records);
            for format in [Format::Yaml, Format::Json] {
                let read = Document::read(&document.write(format).unwrap()).unwrap();
                prop_assert_eq!(&read, &document.proxies);
            }
        }
    }
}
