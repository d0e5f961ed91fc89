//! `GET /api/settings`: the settings, without secrets.

use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::services::Shared;
use axum::extract::State;
use gate_records::Settings;
use std::sync::Arc;

/// Shows the settings as they are in the store now.
pub(crate) async fn view(_: Superuser, State(services): State<Shared>) -> Result<Json<Settings>, ApiError> {
    Ok(Json(Arc::unwrap_or_clone(services.settings.reload().await?)))
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, Server};
    use serde_json::json;

    #[tokio::test]
    async fn the_defaults_are_pocketbases() {
        let server = Server::start().await;
        let settings = server.request("GET", "/api/settings", SUPERUSER).await.json();
        assert_eq!(settings["meta"]["appName"], "Acme");
        assert_eq!(settings["meta"]["appURL"], "http://localhost:8090");
        assert_eq!(settings["logs"], json!({"maxDays": 5, "minLevel": 0, "logIP": true, "logAuthId": false}));
        let batch = json!({"enabled": false, "maxRequests": 50, "timeout": 3, "maxBodySize": 0});
        assert_eq!(settings["batch"], batch);
        assert_eq!(settings["trustedProxy"], json!({"headers": [], "useLeftmostIP": false}));
        let rule = json!({"label": "*:auth", "audience": "", "duration": 3, "maxRequests": 2});
        assert_eq!(settings["rateLimits"]["rules"][0], rule);
        assert_eq!(settings["superuserIPs"], json!([]));
        for (group, members) in [("smtp", 7), ("s3", 6), ("backups", 3), ("meta", 6)] {
            assert_eq!(settings[group].as_object().unwrap().len(), members, "{group}");
        }
    }
}
