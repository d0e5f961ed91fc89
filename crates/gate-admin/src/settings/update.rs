//! `PATCH /api/settings`: merges what is sent into the settings.

use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::payload::Payload;
use crate::services::Shared;
use axum::extract::State;
use gate_records::{Settings, SettingsError};
use std::sync::Arc;

/// Saves a part of the settings, or nothing of it.
pub(crate) async fn update(
    _: Superuser,
    State(services): State<Shared>,
    payload: Result<Payload, ApiError>,
) -> Result<Json<Settings>, ApiError> {
    let Payload(part) = payload.map_err(|error| error.explained(NOT_LOADED))?;
    Ok(Json(Arc::unwrap_or_clone(services.settings.update(part).await?)))
}

impl From<SettingsError> for ApiError {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Type => ApiError::bad_request(NOT_LOADED).because(error),
            SettingsError::Invalid(errors) => {
                ApiError::bad_request("An error occurred while saving the new settings.").with_fields(&errors)
            }
            SettingsError::Store(error) => error.into(),
        }
    }
}

const NOT_LOADED: &str = "An error occurred while loading the submitted data.";

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, Server};
    use serde_json::json;

    #[tokio::test]
    async fn what_is_sent_is_merged_and_kept() {
        let server = Server::start().await;
        let part = json!({"meta": {"appName": "Tower"}, "rateLimits": {"rules": []}, "unknown": {"a": 1}});
        let updated = server.send("PATCH", "/api/settings", SUPERUSER, &part).await;
        assert_eq!(updated.status, 200, "{}", updated.body);
        let settings = updated.json();
        assert_eq!(settings["meta"]["appName"], "Tower");
        assert_eq!(settings["meta"]["appURL"], "http://localhost:8090");
        assert_eq!(settings["rateLimits"]["rules"], json!([]));
        assert_eq!(settings.get("unknown"), None);
        server.send("PATCH", "/api/settings", SUPERUSER, &json!({"logs": {"maxDays": 7}})).await;
        let settings = server.request("GET", "/api/settings", SUPERUSER).await.json();
        assert_eq!(
            (&settings["meta"]["appName"], &settings["logs"]["maxDays"]),
            (&json!("Tower"), &json!(7))
        );
    }

    #[tokio::test]
    async fn errors_are_nested_as_the_settings_are_and_nothing_is_saved() {
        let server = Server::start().await;
        let part = json!({"meta": {"appName": "", "senderName": "x"}});
        let refused = server.send("PATCH", "/api/settings", SUPERUSER, &part).await;
        let expected = json!({
            "data": {"meta": {"appName": {"code": "validation_required", "message": "Cannot be blank."}}},
            "message": "An error occurred while saving the new settings.",
            "status": 400,
        });
        assert_eq!((refused.status, refused.json()), (400, expected));
        let settings = server.request("GET", "/api/settings", SUPERUSER).await.json();
        assert_eq!(settings["meta"]["senderName"], "Support");
    }

    #[tokio::test]
    async fn a_value_of_another_type_is_a_400() {
        let server = Server::start().await;
        let refused =
            server.send("PATCH", "/api/settings", SUPERUSER, &json!({"logs": {"maxDays": "x"}})).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.json()["message"], "An error occurred while loading the submitted data.");
    }
}
