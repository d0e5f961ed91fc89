//! The requests in a batch.

use crate::error::ApiError;
use crate::fields_filter::FieldsFilter;
use crate::query::Query;
use crate::records::collection;
use gate_records::records::{Context, RequestInfo, Write, WriteKind};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One request of a batch, as it was sent.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    method: String,
    url: String,
    headers: Option<BTreeMap<String, String>>,
    body: Option<Map<String, Value>>,
}

impl Request {
    /// The write it asks for. The caller is that of the batch, whatever its own headers say.
    ///
    /// # Errors
    /// What the same request would be answered alone, or the generic 400 for what is no write of a record.
    pub(super) fn into_write(self, batch: &RequestInfo) -> Result<Write, ApiError> {
        let (path, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let (name, id) = target(path).ok_or_else(|| ApiError::bad_request(""))?;
        let kind = match (self.method.to_ascii_uppercase().as_str(), id) {
            ("POST", None) => WriteKind::Create,
            ("PUT", None) => WriteKind::Upsert,
            ("PATCH", Some(id)) => WriteKind::Update { id: id.to_owned() },
            ("DELETE", Some(id)) => WriteKind::Delete { id: id.to_owned() },
            _ => return Err(ApiError::bad_request("")),
        };
        let collection = collection(name)?;
        let query = Query::parse(query).into_parameters();
        if let Some(fields) = query.get("fields") {
            // Now, because once something was written it is too late to refuse.
            FieldsFilter::parse(fields).map_err(|_| ApiError::bad_request(""))?;
        }
        let mut headers = batch.headers.clone();
        let own =
            self.headers.unwrap_or_default().into_iter().map(|(name, value)| (snake_case(&name), value));
        headers.extend(own.filter(|(name, _)| name != "authorization"));
        let request = RequestInfo {
            method: self.method.to_ascii_uppercase(),
            context: Context::Batch,
            headers,
            query,
            body: self.body.unwrap_or_default(),
            auth: batch.auth.clone(),
            address: batch.address,
        };
        Ok(Write { collection, kind, request })
    }
}

/// The collection and the id in `/api/collections/{collection}/records[/{id}]`.
fn target(path: &str) -> Option<(&str, Option<&str>)> {
    let rest = path.trim_start_matches('/').strip_prefix("api/collections/")?;
    let (collection, rest) = rest.split_once('/')?;
    match rest.split_once('/') {
        None if rest == "records" => Some((collection, None)),
        Some(("records", id)) if !id.is_empty() && !id.contains('/') => Some((collection, Some(id))),
        _ => None,
    }
}

fn snake_case(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<(&str, Option<&str>)>) {
        assert_eq!(target(path), expected, "{path}");
    }

    #[test]
    fn only_records_can_be_written_in_a_batch() {
        check("/api/collections/a/records", Some(("a", None)));
        check("api/collections/a/records/b", Some(("a", Some("b"))));
        for path in [
            "/api/collections/a",
            "/api/collections/a/records/",
            "/api/collections/a/records/b/c",
            "/api/collections/a/auth-with-password",
            "/api/settings",
            "http://other/api/collections/a/records",
            "",
        ] {
            check(path, None);
        }
    }
}
