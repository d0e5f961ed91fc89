//! Sends a batch.

use super::parse::Request;
use crate::client_address::ClientAddress;
use crate::error::ApiError;
use crate::fields_filter::FieldsFilter;
use crate::json::Json;
use crate::payload::Payload;
use crate::rate_limit;
use crate::records::written;
use crate::request_info::Info;
use crate::services::Shared;
use axum::extract::{Request as HttpRequest, State};
use gate_records::records::{BatchError, RequestInfo, Write, Written};
use gate_records::{FieldError, FieldErrors};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Makes every write of a batch, or none. Superusers may always send one, others where the settings allow it.
pub(crate) async fn send(
    State(services): State<Shared>,
    info: Info,
    address: ClientAddress,
    body: HttpRequest,
) -> Result<Json<Vec<Value>>, ApiError> {
    let request = info.without_body();
    let settings = services.settings.current();
    let limits = &settings.batch;
    if !limits.enabled && !request.is_superuser() {
        return Err(ApiError::forbidden("Batch requests are not allowed."));
    }
    let bytes_max = usize::try_from(limits.max_body_size).ok().filter(|max| *max > 0).unwrap_or(BYTES_MAX);
    let payload = Payload::read(&services, body, bytes_max).await;
    let Payload(body) = payload.map_err(|error| error.explained(UNREADABLE))?;
    let writes = writes(body, limits.max_requests, &request)?;
    for (position, write) in writes.iter().enumerate() {
        if !rate_limit::admits_write(&services, write, &address) {
            return Err(failed_at(position, rate_limit::refusal()));
        }
    }
    let requests: Vec<RequestInfo> = writes.iter().map(|write| write.request.clone()).collect();
    let timeout = Duration::from_secs(u64::from(limits.timeout.max(1)));
    let written = services.records.batch(writes, timeout).await.map_err(batch_failed)?;
    Ok(Json(written.iter().zip(&requests).map(|(written, request)| answer(written, request)).collect()))
}

/// The writes a body asks for.
fn writes(mut body: Map<String, Value>, max: u32, batch: &RequestInfo) -> Result<Vec<Write>, ApiError> {
    let requests: Option<Vec<Request>> = serde_json::from_value(body.remove("requests").unwrap_or_default())
        // Not with the parser's reason, which quotes what may be a password.
        .map_err(|_| ApiError::bad_request(UNREADABLE))?;
    let requests = requests.unwrap_or_default();
    check_count(requests.len(), max).map_err(|error| {
        let errors = FieldErrors::of("requests", error);
        ApiError::bad_request("Invalid batch request data.").with_fields(&errors)
    })?;
    let writes = requests.into_iter().enumerate();
    writes
        .map(|(position, request)| request.into_write(batch).map_err(|error| failed_at(position, error)))
        .collect()
}

fn check_count(count: usize, max: u32) -> Result<(), FieldError> {
    if count == 0 {
        return Err(FieldError::required());
    }
    if u32::try_from(count).is_ok_and(|count| count <= max) {
        return Ok(());
    }
    Err(FieldError::length_max(max as usize))
}

/// What one write would be answered alone.
fn answer(done: &Written, request: &RequestInfo) -> Value {
    if done.change.after.is_none() {
        return json!({"body": null, "status": 204});
    }
    let mut body = Value::Object(written(done, request));
    let fields = request.query.get("fields").and_then(|fields| FieldsFilter::parse(fields).ok().flatten());
    if let Some(fields) = fields {
        fields.apply(&mut body);
    }
    json!({"body": body, "status": 200})
}

fn batch_failed(BatchError { position, error }: BatchError) -> ApiError {
    match position {
        Some(position) => failed_at(position, error.into()),
        None => error.into(),
    }
}

/// Which request of a batch failed, and what it would have been answered alone.
fn failed_at(position: usize, error: ApiError) -> ApiError {
    if error.status().is_server_error() {
        return error;
    }
    let failed = json!({
        position.to_string(): {
            "code": "batch_request_failed",
            "message": "Batch request failed.",
            "response": error.body(),
        },
    });
    let data = Map::from_iter([("requests".to_owned(), failed)]);
    ApiError::bad_request("Batch transaction failed.").with_data(data)
}

const UNREADABLE: &str = "Failed to read the submitted batch data.";
/// PocketBase's limit of a batch.
const BYTES_MAX: usize = 128 * 1024 * 1024;
