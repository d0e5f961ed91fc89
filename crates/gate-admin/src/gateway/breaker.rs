//! `POST /api/gateway/proxies/{id}/breaker`: opens and closes a breaker by hand.

use super::status::ProxyStatus;
use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::path::Path;
use crate::payload::Payload;
use crate::services::Shared;
use axum::extract::State;
use gate_records::{FieldError, FieldErrors};
use serde_json::Value;
use std::time::Instant;

/// Does what `{"action":"trip"|"reset"}` says, and shows how the proxy is then.
pub(crate) async fn act(
    _: Superuser,
    Path(id): Path<String>,
    State(services): State<Shared>,
    Payload(body): Payload,
) -> Result<Json<ProxyStatus>, ApiError> {
    let snapshot = services.published.load();
    let proxy = snapshot.routes().proxies().iter().find(|proxy| *proxy.id == id);
    let proxy = proxy.ok_or_else(ApiError::not_found)?;
    let breaker = &proxy.traffic.breaker;
    let now = Instant::now();
    let action = match body.get("action").and_then(Value::as_str) {
        Some(action @ ("trip" | "reset")) => action,
        None if body.get("action").is_none_or(Value::is_null) => return Err(refused(FieldError::required())),
        _ => return Err(refused(invalid("must be trip or reset"))),
    };
    if !breaker.status(now).is_on {
        return Err(refused(invalid("the proxy has no circuit breaker that is enabled")));
    }
    match action {
        "trip" => breaker.trip(now),
        _ => breaker.reset(now),
    }
    tracing::info!(proxy = &*proxy.name, action, "a circuit breaker was switched by hand");
    Ok(Json(ProxyStatus::of(proxy, &services.last_minute, now)))
}

fn refused(error: FieldError) -> ApiError {
    ApiError::bad_request("An error occurred while validating the submitted data.")
        .with_fields(&FieldErrors::of("action", error))
}

fn invalid(text: &str) -> FieldError {
    FieldError::new("validation_invalid_value", text)
}
