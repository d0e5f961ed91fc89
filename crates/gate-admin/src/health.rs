//! `GET /api/health`: whether the control plane answers (contract §1.11).

use crate::json::Json;
use serde::Serialize;

/// The success body of the one PocketBase endpoint that says `code` instead of `status`.
#[derive(Serialize)]
pub(crate) struct Health {
    message: &'static str,
    code: u16,
    data: NothingMore,
}

/// What guests learn beyond "healthy".
#[derive(Serialize)]
struct NothingMore {}

/// Answers guests and everyone else alike, as long as this process runs.
pub(crate) async fn check() -> Json<Health> {
    Json(Health { message: "API is healthy.", code: 200, data: NothingMore {} })
}

#[cfg(test)]
mod tests {
    use crate::testing::request;

    #[tokio::test]
    async fn health_has_pocketbases_public_shape() {
        let answer = request("GET", "/api/health", "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.field("content-type"), Some("application/json"));
        assert_eq!(answer.body, concat!(r#"{"message":"API is healthy.","code":200,"data":{}}"#, "\n"));
    }

    #[tokio::test]
    async fn head_of_health_has_the_length_of_the_body_and_no_body() {
        let answer = request("HEAD", "/api/health?x=1", "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert_eq!(answer.field("content-length"), Some("51"));
    }
}
