//! A JSON body as PocketBase writes it.

use crate::error::ApiError;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use serde::Serialize;

/// A JSON body: `application/json` without a charset, a line feed at the end (contract §1.1).
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(mut body) => {
                body.push(b'\n');
                ([(CONTENT_TYPE, "application/json")], body).into_response()
            }
            Err(error) => {
                ApiError::internal(format_args!("failed to serialize a response: {error}")).into_response()
            }
        }
    }
}
