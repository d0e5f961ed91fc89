//! Takes the question and gives the answer.

use super::asked::{Asked, AskedCaller};
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
use std::time::SystemTime;

/// Says what would become of `{"path","method"?,"headers"?,"query"?,"auth"?,"rule"?}`. Nothing is contacted.
pub(crate) async fn explain(
    _: Superuser,
    State(services): State<Shared>,
    info: Info,
    Payload(body): Payload,
) -> Result<Json<Explanation>, ApiError> {
    let asked = Asked::from_body(&body).map_err(|errors| refused(&errors))?;
    let bearer = bearer(&services, &asked, &info.without_body()).await?;
    let published = services.published.load();
    Ok(Json(judge(published.routes(), services.has_pocketbase, &asked, &bearer)))
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
