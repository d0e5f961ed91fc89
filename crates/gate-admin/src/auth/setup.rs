//! `POST /api/gateway/setup`: the first superuser, for whoever has the link that the gateway printed when it started.

use super::login::{LoginBody, invalid, text, unreadable};
use crate::client_address::ClientAddress;
use crate::error::ApiError;
use crate::json::Json;
use crate::payload::Texts;
use crate::services::Shared;
use axum::extract::State;
use gate_records::auth::{PasswordError, SetupError, SuperuserError};
use gate_records::{FieldError, FieldErrors};
use http::StatusCode;
use std::time::Duration;

/// Makes the first superuser from `{"token","email","password","passwordConfirm"}`, and logs them in.
pub(crate) async fn setup(
    State(services): State<Shared>,
    address: ClientAddress,
    payload: Result<Texts, ApiError>,
) -> Result<Json<LoginBody>, ApiError> {
    let Texts(body) = payload.map_err(unreadable)?;
    let (token, email) = (text(&body, "token")?, text(&body, "email")?);
    let password = text(&body, "password")?;
    if text(&body, "passwordConfirm")? != password {
        return Err(invalid().with_fields(&FieldErrors::of("passwordConfirm", FieldError::mismatch())));
    }
    let login = services.first_superuser.create(&token, &email, &password, address.ip()).await?;
    Ok(Json(login.into()))
}

impl From<SetupError> for ApiError {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::NotValid => ApiError::forbidden("The setup link is not valid or was used already."),
            SetupError::Throttled(throttled) => {
                ApiError::new(StatusCode::TOO_MANY_REQUESTS, "").retry_after(throttled.retry_after)
            }
            SetupError::Superuser(error) => error.into(),
            SetupError::Login(error) => error.into(),
        }
    }
}

impl From<SuperuserError> for ApiError {
    fn from(error: SuperuserError) -> Self {
        match error {
            SuperuserError::Invalid(errors) => invalid().with_fields(&errors),
            SuperuserError::NotFound { .. } => ApiError::not_found(),
            error @ (SuperuserError::Last | SuperuserError::NotTheFirst) => {
                ApiError::bad_request(&error.to_string())
            }
            SuperuserError::Password(PasswordError::Busy) => {
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "").retry_after(Duration::from_secs(1))
            }
            SuperuserError::Password(error) => ApiError::internal(error),
            SuperuserError::Store(error) => error.into(),
        }
    }
}
