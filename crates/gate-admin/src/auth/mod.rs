//! Logging in, and everything else about tokens (contract §1.5).

mod auth_methods;
mod auth_refresh;
mod auth_with_password;
mod collection;
mod file_token;
mod impersonate;
mod login;
mod setup;
#[cfg(test)]
mod tests;
mod unsupported;

pub(crate) use auth_methods::auth_methods;
pub(crate) use auth_refresh::auth_refresh;
pub(crate) use auth_with_password::auth_with_password;
pub(crate) use file_token::file_token;
pub(crate) use impersonate::impersonate;
pub(crate) use setup::setup;
pub(crate) use unsupported::{email_change, external_login, one_time_password, password_reset, verification};
