//! `GET /api/collections/{collection}/records`.

use super::shown::{collection, shown};
use crate::error::ApiError;
use crate::json::Json;
use crate::list::{List, ListParameters};
use crate::path::Path;
use crate::query::Query;
use crate::request_info::Info;
use crate::services::Shared;
use axum::extract::State;
use gate_records::FieldErrors;
use gate_records::records::ListQuery;
use serde_json::{Map, Value};

/// Shows the records a caller may find and asks for, a page at a time.
pub(crate) async fn list(
    Path(id_or_name): Path<String>,
    State(services): State<Shared>,
    info: Info,
    query: Query,
) -> Result<Json<List<Map<String, Value>>>, ApiError> {
    let collection = collection(&id_or_name)?;
    let parameters = ListParameters::of(&query)?;
    let request = info.without_body();
    let asked = ListQuery {
        filter: parameters.filter.clone(),
        sort: parameters.sort.clone(),
        limit: parameters.per_page,
        offset: parameters.offset(),
        skip_total: parameters.skip_total,
    };
    let page = services.records.list(collection, &asked, &request).await?;
    let items = page.records.iter().map(|record| shown(record, &request, &FieldErrors::default())).collect();
    Ok(Json(parameters.list(items, page.total)))
}
