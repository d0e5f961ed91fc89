//! What needs a real store: logging in, identities, publishing, records, secrets.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops with a panic that says why"
)]

mod auth;
mod follower;
mod identities;
mod publisher;
mod records;
mod secrets;
