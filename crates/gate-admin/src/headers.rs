//! The header fields of a request as rules see them.

use http::HeaderMap;
use std::collections::BTreeMap;

/// The first value of every field, under its name in snake case: `X-Api-Key` is `x_api_key` (contract §2.2).
///
/// A value that is not UTF-8 is left out: a rule could not compare it.
pub(crate) fn for_rules(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (name, value) in headers {
        if let Ok(value) = std::str::from_utf8(value.as_bytes())
            && *name != http::header::HOST
        {
            values.entry(name.as_str().replace('-', "_")).or_insert_with(|| value.to_owned());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    #[test]
    fn names_are_in_snake_case_and_the_first_value_counts() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("X-API-Key", "1"), ("x-api-key", "2"), ("content-type", ""), ("host", "x")] {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let expected = [("content_type", ""), ("x_api_key", "1")];
        assert_eq!(
            for_rules(&headers),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        );
    }
}
