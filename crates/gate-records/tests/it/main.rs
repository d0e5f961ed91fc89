//! The publisher over a real store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops with a panic that says why")]

mod publisher;
