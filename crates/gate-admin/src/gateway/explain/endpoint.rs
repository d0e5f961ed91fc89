//! Takes the question and gives the answer.

use super::asked::{Asked, AskedCaller};
use super::dial;
use super::explanation::Explanation;
use super::verdict::{Bearer, judge};
use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::payload::Payload;
use crate::request_info::Info;
use crate::services::{Services, Shared};
use axum::extract::State;
use gate_records::auth::UnverifiedToken;
use gate_records::records::{AuthRecord, RecordError, RequestInfo};
use gate_records::{FieldError, FieldErrors};
use gate_snapshot::RouteTable;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::SystemTime;

/// Says what would become of `{"path","method"?,"headers"?,"query"?,"auth"?,"rule"?,"proxy"?,"dial"?}`. Nothing is contacted
/// but the upstream, and that only with `dial`.
pub(crate) async fn explain(
    _: Superuser,
    State(services): State<Shared>,
    info: Info,
    Payload(body): Payload,
) -> Result<Json<Explanation>, ApiError> {
    let asked = Asked::from_body(&body).map_err(|errors| refused(&errors))?;
    let bearer = bearer(&services, &asked, &info.without_body()).await?;
    let snapshot = services.published.load();
    let edited = match asked.proxy.clone() {
        Some(fields) => Some(edited(&services, snapshot.routes(), fields).await?),
        None => None,
    };
    let routes = edited.as_ref().unwrap_or(snapshot.routes());
    let mut explanation = judge(routes, services.has_pocketbase, &asked, &bearer);
    if asked.dial {
        explanation.dial = dial::dial(&services.client, routes, &asked, &bearer, &explanation).await;
    }
    Ok(Json(explanation))
}

/// The routes as they would be if a record were saved.
async fn edited(
    services: &Services,
    routes: &RouteTable,
    fields: Map<String, Value>,
) -> Result<RouteTable, ApiError> {
    let of_proxy = |errors| {
        let mut nested = FieldErrors::default();
        nested.nest("proxy", errors);
        refused(&nested)
    };
    let proxy = services.records.preview(fields).await.map_err(|error| match error {
        RecordError::NotCreated(errors) => of_proxy(errors),
        error => error.into(),
    })?;
    let others = routes.proxies().iter().filter(|other| proxy.id.is_empty() || other.id != proxy.id);
    let others: Vec<_> = others.map(Arc::clone).collect();
    if others.iter().any(|other| other.path == proxy.path) {
        return Err(of_proxy(FieldErrors::of("path", FieldError::not_unique())));
    }
    Ok(RouteTable::new(others.into_iter().chain([Arc::new(proxy)])))
}

/// Who would call: somebody who was named, or whoever the token among the headers belongs to.
async fn bearer(services: &Services, asked: &Asked, request: &RequestInfo) -> Result<Bearer, ApiError> {
    match &asked.caller {
        AskedCaller::Guest => Ok(Bearer::default()),
        AskedCaller::Record { collection, id } => {
            let record = services.records.view(collection, id, request).await;
            let record = record.map_err(|error| match error {
                RecordError::NotFound => refused(&unknown_record()),
                error => error.into(),
            })?;
            Ok(Bearer::of(AuthRecord::local(&record)))
        }
        AskedCaller::OfToken => match asked.token() {
            Some(token) => match (services.authenticate)(token.to_owned()).await? {
                Some(record) => Ok(Bearer::of(record)),
                // At a time at which none has expired: an expired one is ours all the same.
                None if UnverifiedToken::parse(token, SystemTime::UNIX_EPOCH).is_ok() => {
                    Ok(Bearer::invalid())
                }
                None => Ok(Bearer::default()),
            },
            None => Ok(Bearer::default()),
        },
    }
}

fn refused(errors: &FieldErrors) -> ApiError {
    ApiError::bad_request("An error occurred while validating the submitted data.").with_fields(errors)
}

fn unknown_record() -> FieldErrors {
    FieldErrors::of("auth", FieldError::new("validation_missing_rel_records", "failed to find the record"))
}
