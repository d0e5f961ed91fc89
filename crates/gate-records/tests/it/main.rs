//! What needs a real store: logging in, publishing, records, secrets.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops with a panic that says why"
)]

mod auth;
mod publisher;
mod records;
mod secrets;
