//! Reading records.

use super::access::{Access, Asked, compile, order};
use super::error::RecordError;
use super::record::Record;
use super::request::RequestInfo;
use super::secrets;
use super::service::{Parts, Records};
use crate::collections::{Collection, SECRETS};
use gate_rules::{Condition, Rule, SortKey};
use gate_store::{Row, Select};

/// Which records of a collection somebody wants to see (contract §1.2).
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// The filter as it was typed; empty = every record.
    pub filter: String,
    /// The order as it was typed; empty = the order in which they were made.
    pub sort: String,
    /// How many at most.
    pub limit: u64,
    /// How many of the first ones are passed over.
    pub offset: u64,
    /// Whether nobody wants to know how many there are.
    pub skip_total: bool,
}

/// Some of the records that somebody asked for.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// How many there are in all; 0 when nobody wants to know.
    pub total: u64,
}

impl Records {
    /// The records of a collection that a caller may find, and asks for.
    pub async fn list(
        &self,
        collection: &'static Collection,
        query: &ListQuery,
        request: &RequestInfo,
    ) -> Result<Page, RecordError> {
        let access = Access::of(collection.rules.list, collection, request)?;
        let hidden = request.is_superuser();
        if !hidden
            && let Some(prefix) = [query.filter.as_str(), &query.sort].into_iter().find_map(reached_for)
        {
            return Err(RecordError::RequestInFilter(prefix));
        }
        let filter = match query.filter.as_str() {
            "" => None,
            text => Some(compile(text, collection, hidden)?),
        };
        let order = order(&query.sort, collection, hidden)?;
        let rules = [access.rule(), filter.as_ref()];
        self.parts.page(collection, query, self.parts.conditions(&rules, request), order).await
    }

    /// One record, if the caller may see it.
    pub async fn view(
        &self,
        collection: &'static Collection,
        id: &str,
        request: &RequestInfo,
    ) -> Result<Record, RecordError> {
        let access = Access::of(collection.rules.view, collection, request)?;
        let row = self.parts.store.find(collection.table(), "id", id).await?;
        let record = row.map(|row| self.parts.record(collection, &row)).transpose()?;
        record.filter(|record| access.allows(request, record)).ok_or(RecordError::NotFound)
    }
}

impl Parts {
    fn conditions(&self, rules: &[Option<&Rule>], request: &RequestInfo) -> Vec<Condition> {
        let asked = Asked::about(request, None);
        rules.iter().flatten().map(|rule| rule.to_sql(self.store.dialect(), &asked)).collect()
    }

    async fn page(
        &self,
        collection: &'static Collection,
        query: &ListQuery,
        conditions: Vec<Condition>,
        order: Vec<SortKey>,
    ) -> Result<Page, RecordError> {
        let table = collection.table();
        let total = if query.skip_total { 0 } else { self.store.count_where(table, &conditions).await? };
        let select = Select { table, conditions, order, limit: Some(query.limit), offset: query.offset };
        let rows = self.store.select(&select).await?;
        let records = rows.iter().map(|row| self.record(collection, row)).collect::<Result<_, _>>()?;
        Ok(Page { records, total })
    }

    /// The record a row holds, as it may be shown.
    pub(super) fn record(&self, collection: &'static Collection, row: &Row) -> Result<Record, RecordError> {
        let mut record = Record::from_row(collection, row);
        if collection.id == SECRETS.id {
            secrets::mask(&self.secrets, &mut record)
                .map_err(|error| RecordError::of_secret(error, RecordError::NotUpdated))?;
        }
        Ok(record)
    }
}

/// Conditions on the request could be used to find out what it holds, or what rules compare it with.
fn reached_for(text: &str) -> Option<&'static str> {
    ["@collection.", "@request."].into_iter().find(|prefix| text.contains(prefix))
}
