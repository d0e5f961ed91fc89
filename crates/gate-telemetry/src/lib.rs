//! What is said about a request afterwards: the closed set of ways it can end ([`Reason`]) and the process's log ([`log`]).
//!
//! Knows nothing about HTTP parsing, upstreams or the store.

pub mod log;
mod reason;

pub use reason::{Reason, Side};
