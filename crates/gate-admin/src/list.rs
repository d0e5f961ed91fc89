//! Lists: what a caller may ask of them, and the shape they are answered in (contract §1.2).

use crate::error::ApiError;
use crate::query::Query;
use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Serialize;

/// `page`, `perPage`, `skipTotal`, `sort` and `filter` of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ListParameters {
    /// From 1.
    pub(crate) page: u64,
    /// From 1 to [`PER_PAGE_MAX`].
    pub(crate) per_page: u64,
    /// Whether nobody wants to know how many there are.
    pub(crate) skip_total: bool,
    /// As it was sent; empty when it was not.
    pub(crate) sort: String,
    /// As it was sent; empty when it was not.
    pub(crate) filter: String,
}

impl ListParameters {
    /// Reads them from a query.
    ///
    /// # Errors
    /// The generic 400 for what is no number or no boolean.
    pub(crate) fn of(query: &Query) -> Result<Self, ApiError> {
        let number = |name| query.first(name).map_or(Ok(0), |text| integer(name, text));
        let text = |name| query.first(name).unwrap_or_default().to_owned();
        Ok(ListParameters {
            page: u64::try_from(number("page")?.max(1)).unwrap_or(1),
            per_page: match u64::try_from(number("perPage")?) {
                Ok(0) | Err(_) => PER_PAGE_DEFAULT,
                Ok(asked) => asked.min(PER_PAGE_MAX),
            },
            skip_total: query.first("skipTotal").map_or(Ok(false), boolean)?,
            sort: text("sort"),
            filter: text("filter"),
        })
    }

    /// How many items come before this page.
    pub(crate) fn offset(&self) -> u64 {
        (self.page - 1).saturating_mul(self.per_page)
    }

    /// The page of a list that is at hand as a whole.
    pub(crate) fn page_of<T>(&self, items: Vec<T>) -> List<T> {
        let total = items.len() as u64;
        let skipped = usize::try_from(self.offset()).unwrap_or(usize::MAX);
        let taken = usize::try_from(self.per_page).unwrap_or(usize::MAX);
        self.list(items.into_iter().skip(skipped).take(taken).collect(), total)
    }

    /// A page with what there is in total.
    pub(crate) fn list<T>(&self, items: Vec<T>, total: u64) -> List<T> {
        let (total_items, total_pages) =
            if self.skip_total { (-1, -1) } else { (signed(total), signed(total.div_ceil(self.per_page))) };
        List { items, page: self.page, per_page: self.per_page, total_items, total_pages }
    }
}

impl<S: Sync> FromRequestParts<S> for ListParameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::of(&Query::of(&parts.uri))
    }
}

/// One page of a list.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List<T> {
    items: Vec<T>,
    page: u64,
    per_page: u64,
    /// -1 when it was not asked for.
    total_items: i64,
    total_pages: i64,
}

const PER_PAGE_DEFAULT: u64 = 30;
/// The SDKs ask for this many and go on while they get them.
pub(crate) const PER_PAGE_MAX: u64 = 1000;

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn integer(name: &str, text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|error| ApiError::bad_request("").because(format_args!("{name}: {error}")))
}

/// What Go's `ParseBool` takes.
fn boolean(text: &str) -> Result<bool, ApiError> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(ApiError::bad_request("").because("skipTotal is no boolean")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, page: u64, per_page: u64, skip_total: bool) {
        let found = ListParameters::of(&Query::parse(query)).unwrap();
        assert_eq!((found.page, found.per_page, found.skip_total), (page, per_page, skip_total), "{query}");
    }

    #[test]
    fn pages_are_clamped() {
        check("", 1, 30, false);
        check("page=0&perPage=0", 1, 30, false);
        check("page=-3&perPage=-1", 1, 30, false);
        check("page=7&perPage=1000", 7, 1000, false);
        check("page=&perPage=1001", 1, 1000, false);
    }

    #[test]
    fn skip_total_is_gos_boolean() {
        for text in ["1", "t", "T", "TRUE", "true", "True"] {
            check(&format!("skipTotal={text}"), 1, 30, true);
        }
        for text in ["", "0", "f", "F", "FALSE", "false", "False"] {
            check(&format!("skipTotal={text}"), 1, 30, false);
        }
    }

    #[test]
    fn what_is_no_number_or_boolean_is_a_400() {
        for query in ["page=x", "page=1.5", "perPage=99999999999999999999", "skipTotal=yes", "skipTotal=tRUE"]
        {
            let error = ListParameters::of(&Query::parse(query)).unwrap_err();
            assert_eq!(error.status(), 400, "{query}");
        }
    }

    #[test]
    fn a_page_is_cut_from_the_whole() {
        let parameters = ListParameters::of(&Query::parse("page=2&perPage=20")).unwrap();
        let page = serde_json::to_string(&parameters.page_of((0..45).collect::<Vec<_>>())).unwrap();
        assert!(page.starts_with("{\"items\":[20,21,"), "{page}");
        assert!(
            page.ends_with(",39],\"page\":2,\"perPage\":20,\"totalItems\":45,\"totalPages\":3}"),
            "{page}"
        );
        let parameters = ListParameters::of(&Query::parse("page=9223372036854775807&skipTotal=1")).unwrap();
        let page = serde_json::to_string(&parameters.page_of(vec![1])).unwrap();
        assert!(page.ends_with("\"totalItems\":-1,\"totalPages\":-1}"), "{page}");
    }
}
