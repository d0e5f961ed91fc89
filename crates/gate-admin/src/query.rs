//! The query of a request.

use crate::error::ApiError;
use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use std::collections::BTreeMap;

/// The parameters of a request's query. Of a repeated one the first value counts (contract §2.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads the query of a URI.
    pub(crate) fn of(uri: &Uri) -> Self {
        Self::parse(uri.query().unwrap_or_default())
    }

    /// Reads `a=1&b=2`.
    pub(crate) fn parse(query: &str) -> Self {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            parameters.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Query(parameters)
    }

    /// The value of a parameter, unless it is missing or empty.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Every parameter by name.
    pub(crate) fn into_parameters(self) -> BTreeMap<String, String> {
        self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self::of(&parts.uri))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_counts() {
        let query = Query::parse("a=1&a=2&b=&c=%20x+y&%ff=z");
        assert_eq!((query.first("a"), query.first("b"), query.first("c")), (Some("1"), None, Some(" x y")));
        assert_eq!(query.into_parameters().get("b").map(String::as_str), Some(""));
    }
}
