//! `POST /api/realtime`: says what a stream is to be about.

use super::client::Topics;
use super::hub::SubscribeError;
use super::subscriber::{Subscriber, Token};
use super::topic::Topic;
use crate::caller::{self, Caller};
use crate::client_address::ClientAddress;
use crate::error::ApiError;
use crate::payload::Payload;
use crate::services::Shared;
use axum::extract::State;
use gate_records::{FieldError, FieldErrors};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// The body.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Submitted {
    client_id: String,
    subscriptions: Vec<String>,
}

/// Replaces the topics of a stream. The caller of this request is who hears them.
pub(crate) async fn subscribe(
    State(services): State<Shared>,
    Caller(auth): Caller,
    address: ClientAddress,
    headers: HeaderMap,
    Payload(body): Payload,
) -> Result<StatusCode, ApiError> {
    let submitted: Submitted = serde_json::from_value(Value::Object(body))
        // Not with the parser's reason, which quotes what may be a token.
        .map_err(|_| ApiError::bad_request("").because("clientId or subscriptions has the wrong type"))?;
    let token = auth.as_ref().and(caller::token(&headers)).map(|token| Token(token.to_owned()));
    let subscriber = Subscriber { auth, token };
    let mut errors = submitted.check();
    let bytes = if subscriber.is_superuser() { 0 } else { submitted.bytes() };
    if bytes > TOPIC_BYTES_MAX {
        errors.add("subscriptions", too_large());
    }
    if !errors.is_empty() {
        return Err(ApiError::bad_request("").with_fields(&errors));
    }
    let topics = submitted.distinct().into_iter();
    let topics = topics.map(|topic| Topic::parse(topic, subscriber.is_superuser())).collect();
    services.hub.subscribe(&submitted.client_id, &address.real, subscriber, Topics { topics, bytes })?;
    Ok(StatusCode::NO_CONTENT)
}

impl Submitted {
    /// The topics, each once.
    fn distinct(&self) -> BTreeSet<&str> {
        self.subscriptions.iter().map(String::as_str).collect()
    }

    /// Bytes of memory that the topics take.
    fn bytes(&self) -> usize {
        self.distinct().into_iter().map(Topic::bytes).sum()
    }

    fn check(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        if self.client_id.is_empty() {
            errors.add("clientId", FieldError::required());
        } else if self.client_id.chars().count() > CLIENT_ID_CHARACTERS_MAX {
            errors.add("clientId", FieldError::length(1, CLIENT_ID_CHARACTERS_MAX));
        }
        if self.subscriptions.len() > TOPICS_MAX {
            errors.add("subscriptions", FieldError::length_max(TOPICS_MAX));
        }
        let mut by_position = FieldErrors::default();
        for (position, topic) in self.subscriptions.iter().enumerate() {
            if topic.chars().count() > TOPIC_CHARACTERS_MAX {
                by_position.add(&position.to_string(), FieldError::length_max(TOPIC_CHARACTERS_MAX));
            } else if topic.contains(['\r', '\n']) {
                by_position.add(&position.to_string(), FieldError::invalid_format());
            }
        }
        errors.nest("subscriptions", by_position);
        errors
    }
}

fn too_large() -> FieldError {
    FieldError::new("validation_subscriptions_too_large", "Must be fewer, or have less in their options.")
}

impl From<SubscribeError> for ApiError {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::UnknownClient => {
                ApiError::new(StatusCode::NOT_FOUND, "Missing or invalid client id.")
            }
            SubscribeError::OtherAddress => ApiError::bad_request("Invalid realtime client."),
            SubscribeError::OtherCaller => {
                ApiError::forbidden("The current and the previous request authorization don't match.")
            }
            SubscribeError::Full => {
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "Too many realtime subscriptions.")
            }
        }
    }
}

// PocketBase's limits (contract §1.9).
const CLIENT_ID_CHARACTERS_MAX: usize = 255;
const TOPICS_MAX: usize = 1000;
const TOPIC_CHARACTERS_MAX: usize = 2500;
/// 1 MiB: so many topics as there may be without options, or a hundred with a filter of a line. Superusers have no such limit.
const TOPIC_BYTES_MAX: usize = 1 << 20;
