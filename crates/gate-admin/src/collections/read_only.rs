//! Every write of a collection.

use crate::caller::Superuser;
use crate::error::ApiError;

/// Refuses: the collections are part of the program (contract D-17).
pub(crate) async fn refuse(_: Superuser) -> ApiError {
    ApiError::forbidden("Collections are read-only in pocketgate.")
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, request};

    #[tokio::test]
    async fn d17_every_schema_write_is_refused() {
        for (method, path) in [
            ("POST", ""),
            ("PATCH", "/users"),
            ("DELETE", "/users"),
            ("PUT", "/import"),
            ("DELETE", "/users/truncate"),
            ("POST", "/meta/dry-run-view"),
        ] {
            let answer = request(method, &format!("/api/collections{path}"), SUPERUSER).await;
            let message = "Collections are read-only in pocketgate.";
            assert_eq!(
                (answer.status, answer.json()["message"].as_str()),
                (403, Some(message)),
                "{method} {path}"
            );
        }
    }
}
