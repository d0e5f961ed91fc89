//! `GET /api/collections/{collection}`.

use crate::caller::Superuser;
use crate::error::ApiError;
use crate::json::Json;
use crate::path::Path;
use gate_records::collections::Collection;
use serde_json::{Map, Value};

/// Shows the collection with this id or name.
pub(crate) async fn view(
    _: Superuser,
    Path(id_or_name): Path<String>,
) -> Result<Json<Map<String, Value>>, ApiError> {
    let collection = Collection::find(&id_or_name).ok_or_else(ApiError::not_found)?;
    Ok(Json(collection.to_json()))
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, request};

    #[tokio::test]
    async fn a_collection_is_found_by_id_and_by_name_in_any_case() {
        for name in ["_superusers", "_SuperUsers", "pbc_3142635823"] {
            let found = request("GET", &format!("/api/collections/{name}"), SUPERUSER).await.json();
            assert_eq!(found["id"], "pbc_3142635823");
        }
        for name in ["unknown", "PBC_3142635823", "%ff"] {
            let answer = request("GET", &format!("/api/collections/{name}"), SUPERUSER).await;
            assert_eq!((answer.status, &answer.json()["data"]), (404, &serde_json::json!({})), "{name}");
        }
    }

    #[tokio::test]
    async fn the_secrets_of_tokens_are_not_shown() {
        let users = request("GET", "/api/collections/users", SUPERUSER).await.json();
        assert_eq!(users["authToken"]["duration"], 432_000);
        assert!(!users.to_string().contains("\"secret\""));
    }
}
