//! `POST /api/backups`.

use crate::caller::Superuser;
use crate::error::ApiError;
use crate::payload::Payload;
use crate::services::Shared;
use axum::extract::State;
use gate_records::backups::CreateError;
use gate_records::{FieldError, FieldErrors};
use http::StatusCode;
use serde_json::Value;

/// Makes a consistent copy while everything goes on; it is there when this answers. The body may `name` it.
pub(crate) async fn create(
    _: Superuser,
    State(services): State<Shared>,
    Payload(body): Payload,
) -> Result<StatusCode, ApiError> {
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    services.backups.create(name).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        let refused = ApiError::bad_request("Failed to create backup.");
        let name = |error| refused.with_fields(&FieldErrors::of("name", error));
        match error {
            CreateError::Name => name(FieldError::invalid_format()),
            CreateError::Exists => name(FieldError::not_unique()),
            CreateError::Failed(error) => ApiError::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, Server};
    use serde_json::json;

    #[tokio::test]
    async fn a_backup_is_there_when_it_was_answered() {
        let server = Server::start().await;
        assert_eq!(server.request("GET", "/api/backups", SUPERUSER).await.body, "[]\n");
        assert_eq!(server.send("POST", "/api/backups", SUPERUSER, &json!({"name": "a"})).await.status, 204);
        let backups = server.request("GET", "/api/backups", SUPERUSER).await.json();
        assert_eq!(backups[0]["key"], "a.db");
        assert!(backups[0]["size"].as_u64().unwrap() > 0);
        assert!(backups[0]["modified"].as_str().unwrap().ends_with('Z'));
        assert_eq!(server.request("POST", "/api/backups", SUPERUSER).await.status, 204, "a name is made");
        assert_eq!(
            server.request("GET", "/api/backups", SUPERUSER).await.json().as_array().unwrap().len(),
            2
        );
    }

    #[tokio::test]
    async fn a_name_that_is_none_or_taken_is_a_field_error() {
        let server = Server::start().await;
        for (name, code) in
            [("../x", Some("validation_invalid_format")), ("a", None), ("a", Some("validation_not_unique"))]
        {
            let answer = server.send("POST", "/api/backups", SUPERUSER, &json!({"name": name})).await;
            match code {
                None => assert_eq!(answer.status, 204),
                Some(code) => assert_eq!(answer.json()["data"]["name"]["code"], code),
            }
        }
    }
}
