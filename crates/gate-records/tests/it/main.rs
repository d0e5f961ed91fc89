//! What needs a real store: publishing, secrets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops with a panic that says why")]

mod publisher;
mod secrets;
