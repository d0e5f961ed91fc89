//! Ways to log in that PocketBase has and this program has not.
//!
//! PocketBase answers some of them with 204 whatever happens; here they say so, so that nobody waits for a mail that
//! never comes (contract D-15).

use super::collection::auth_collection;
use crate::error::ApiError;
use crate::path::Path;

/// `request-password-reset`, `confirm-password-reset`
pub(crate) async fn password_reset(path: Path<String>) -> ApiError {
    not_supported(path, "Resetting a password by mail")
}

/// `request-verification`, `confirm-verification`
pub(crate) async fn verification(path: Path<String>) -> ApiError {
    not_supported(path, "Verifying an e-mail address")
}

/// `request-email-change`, `confirm-email-change`
pub(crate) async fn email_change(path: Path<String>) -> ApiError {
    not_supported(path, "Changing an e-mail address by mail")
}

/// `request-otp`, `auth-with-otp`
pub(crate) async fn one_time_password(path: Path<String>) -> ApiError {
    not_supported(path, "Logging in with a one-time password")
}

/// `auth-with-oauth2`
pub(crate) async fn external_login(path: Path<String>) -> ApiError {
    not_supported(path, "Logging in with OAuth2")
}

fn not_supported(Path(collection): Path<String>, what: &str) -> ApiError {
    match auth_collection(&collection) {
        Ok(_) => ApiError::bad_request(&format!("{what} is not supported by pocketgate.")),
        Err(missing) => missing,
    }
}
