//! `GET /api/collections/meta/…`: what clients ask for to draw their forms.

use crate::caller::Superuser;
use crate::json::Json;
use gate_records::collections;
use serde_json::Value;

/// `meta/scaffolds`: what a new collection of each type would begin with.
pub(crate) async fn scaffolds(_: Superuser) -> Json<Value> {
    Json(collections::scaffolds())
}

/// `meta/oauth2-providers`: none.
pub(crate) async fn oauth2_providers(_: Superuser) -> Json<[Value; 0]> {
    Json([])
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, request};

    #[tokio::test]
    async fn there_is_a_scaffold_for_each_type_and_no_provider() {
        let scaffolds = request("GET", "/api/collections/meta/scaffolds", SUPERUSER).await.json();
        assert_eq!(scaffolds.as_object().unwrap().keys().collect::<Vec<_>>(), ["auth", "base", "view"]);
        let providers = request("GET", "/api/collections/meta/oauth2-providers", SUPERUSER).await;
        assert_eq!(providers.body, "[]\n");
    }
}
